"""Render messages, modals and tabs from domain data: one module for each; pure."""
