"""The value of the buttons of *It didn't install*; a module of its own, since every view loads `button_values`."""

from __future__ import annotations

from msgspec import Struct

from bot.domain.model.failures import NO_ANSWERS, DeviceAnswer, FailureAnswers, FailureCause, Symptom


class FailureValue(Struct, frozen=True):
    """A build that did not install: which kind of file it was, and the user's answers so far."""

    app_id: str
    build_id: str
    kind: str = ""
    answers: FailureAnswers = NO_ANSWERS
    names_device: bool = False  # the message to the uploader names the device too

    @classmethod
    def parse(cls, text: str) -> FailureValue:
        """Parse a button's value; answers that this version does not know are left out."""
        app_id, build_id, kind, device, symptom, cause, more = [*text.split("/", 6), *[""] * 7][:7]
        answers = FailureAnswers(
            device=DeviceAnswer(device) if device in set(DeviceAnswer) else None,
            symptom=Symptom(symptom) if symptom in set(Symptom) else None,
            cause=FailureCause(cause) if cause in set(FailureCause) else None,
            is_denied="n" in more,
        )
        return cls(app_id, build_id, kind, answers, "d" in more)

    @property
    def is_complete(self) -> bool:
        """Whether it names a build."""
        return bool(self.app_id and self.build_id)

    def __str__(self) -> str:
        said, more = self.answers, "n" * self.answers.is_denied + "d" * self.names_device
        return "/".join(
            (self.app_id, self.build_id, self.kind, said.device or "", said.symptom or "", said.cause or "", more)
        )
