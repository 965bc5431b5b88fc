"""Parse typed times: deadlines, periods and schedules; pure."""
