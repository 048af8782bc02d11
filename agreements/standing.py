"""Where does a customer stand with the agreement? The words and the one function that finds them (domain.md, Standing)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from agreements.models import AgreementTemplate


class StandingWord(TextChoices):
    """The five standings, one word each, everywhere the same."""

    CONFIRMED = "confirmed", _("Confirmed")
    DUE = "due", _("Reconfirmation due")
    REQUIRED = "required", _("Reconfirmation required")
    NOT_CONFIRMED = "not_confirmed", _("Not confirmed")
    NOT_APPLICABLE = "not_applicable", _("Not applicable")

    @property
    def opens_the_gate(self) -> bool:
        """Whether new orders and license changes are open (G1, G2, G3)."""
        return self in {StandingWord.CONFIRMED, StandingWord.DUE, StandingWord.NOT_APPLICABLE}


@dataclass(frozen=True)
class Versions:
    """The templates as they stand for one account on one day: everything needed to tell a customer's standing from its rank.

    `published`: newest first. `required_rank`: an acceptance counts while its rank is at least this (V3).
    """

    applies: bool
    published: tuple["AgreementTemplate", ...]
    required_rank: int

    @property
    def latest(self) -> "AgreementTemplate":
        """The template that a new confirmation confirms (V3)."""
        return self.published[0]

    def word(self, rank: int) -> StandingWord:
        """The standing of a customer whose best acceptance has this rank (0: it has none)."""
        if not self.applies:
            return StandingWord.NOT_APPLICABLE
        if rank == 0:
            return StandingWord.NOT_CONFIRMED
        if rank >= self.latest.version_rank:
            return StandingWord.CONFIRMED
        return StandingWord.DUE if rank >= self.required_rank else StandingWord.REQUIRED

    def ranks(self, word: StandingWord) -> list[int]:
        """The ranks at which a customer has this standing; empty when none can have it."""
        known = [0, *(template.version_rank for template in self.published)]
        return [rank for rank in known if self.word(rank) == word]

    def due_on(self, rank: int):
        """The account's first day on which an acceptance of this rank no longer counts; None if no such day is known (V4)."""
        days = [template.required_from for template in self.published if template.version_rank > rank]
        return min(days, default=None)
