"""What can be wrong about acceptances, as facts; each door says it in its own way."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agreements.models import Acceptance, AgreementTemplate
    from agreements.standing import StandingWord
    from customers.models import Customer


class AgreementNotApplicable(Exception):
    """The account's cloud has no agreement resource (A3)."""


class NewerTemplate(Exception):
    """The confirmation names a template that is not the latest. `latest`: the one to show (V5)."""

    def __init__(self, latest: "AgreementTemplate") -> None:
        self.latest = latest
        super().__init__(f"the latest template is {latest.pk}")


class AlreadyConfirmed(Exception):
    """The same person is on record for the same customer and template (R4). `acceptance`: that record."""

    def __init__(self, acceptance: "Acceptance") -> None:
        self.acceptance = acceptance
        super().__init__("already confirmed with these details")


class AlreadyWithdrawn(Exception):
    """The confirmation has been withdrawn before (R5)."""


class AgreementNotConfirmed(Exception):
    """The gate is shut for `customer` (G1, G2). `word`: why (not confirmed, or reconfirmation required). `latest`: what to confirm."""

    def __init__(self, customer: "Customer", word: "StandingWord", latest: "AgreementTemplate") -> None:
        self.customer, self.word, self.latest = customer, word, latest
        super().__init__(f"the gate is shut: {word.value}")
