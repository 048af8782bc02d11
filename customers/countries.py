"""What does an address need in each country that the portal serves?

Facts: Partner Center's country validation rules and the Universal Postal Union's addressing sheets. Patterns match the whole postal code.
"""

import re
from dataclasses import dataclass

US_STATES = tuple(
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT "  # noqa: SIM905 (a list of 52 reads worse)
    "NC ND NE NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VT WA WI WV WY".split()
)
CA_PROVINCES = ["AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"]
AU_STATES = ["ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"]


@dataclass(frozen=True)
class CountryRules:
    """How addresses look in one country. `regions`: the codes to choose from; empty means that a region is free text."""

    code: str
    cultures: tuple[str, ...]
    calling_code: str
    postal_pattern: str = ""
    postal_example: str = ""
    postal_required: bool = True
    region_required: bool = False
    regions: tuple[str, ...] = ()
    city_required: bool = True

    @property
    def languages(self) -> list[str]:
        """Two-letter language codes, the country's own first."""
        return list(dict.fromkeys(culture[:2] for culture in self.cultures))

    @property
    def default_culture(self) -> str:
        """Such as ko-KR."""
        return self.cultures[0]

    def culture(self, language: str) -> str:
        """The country's culture in this language, or the two put together where it has none, such as ko-US."""
        return next((culture for culture in self.cultures if culture[:2] == language), f"{language}-{self.code}")

    def postal_code_fits(self, value: str) -> bool:
        """Whether `value` has the form of a postal code of this country."""
        return not self.postal_pattern or re.fullmatch(self.postal_pattern, value, re.IGNORECASE | re.ASCII) is not None


def _rules(code: str, cultures: str, calling: str, pattern: str = "", example: str = "", **more: object) -> CountryRules:
    return CountryRules(code, tuple(cultures.split()), calling, pattern, example, **more)  # type: ignore[arg-type]


RULES: dict[str, CountryRules] = {
    rules.code: rules
    for rules in [
        _rules("AT", "de-AT en-US", "43", r"\d{4}", "1010"),
        _rules("AU", "en-AU", "61", r"\d{4}", "2000", region_required=True, regions=tuple(AU_STATES)),
        _rules("BE", "nl-BE fr-BE en-US", "32", r"\d{4}", "1000"),
        _rules("BR", "pt-BR en-US", "55", r"\d{5}-?\d{3}", "01310-100", region_required=True),
        _rules("CA", "en-CA fr-CA", "1", r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "K1A 0B1", region_required=True, regions=tuple(CA_PROVINCES)),
        _rules("CH", "de-CH fr-CH it-CH en-US", "41", r"\d{4}", "8001"),
        _rules("CN", "zh-CN en-US", "86", r"\d{6}", "100000"),
        _rules("CZ", "cs-CZ en-US", "420", r"\d{3} ?\d{2}", "110 00"),
        _rules("DE", "de-DE en-US", "49", r"\d{5}", "10115"),
        _rules("DK", "da-DK en-US", "45", r"\d{4}", "1050"),
        _rules("ES", "es-ES en-US", "34", r"\d{5}", "28001"),
        _rules("FI", "fi-FI sv-FI en-US", "358", r"\d{5}", "00100"),
        _rules("FR", "fr-FR en-US", "33", r"\d{5}", "75001"),
        _rules("GB", "en-GB", "44", r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "SW1A 1AA"),
        _rules("HK", "zh-HK en-US", "852", postal_required=False),
        _rules("ID", "id-ID en-US", "62", r"\d{5}", "10110"),
        _rules("IE", "en-IE", "353", r"[A-Z]\d[\dW] ?[A-Z\d]{4}", "D02 AF30", postal_required=False),
        _rules("IN", "en-IN hi-IN", "91", r"\d{6}", "110001", region_required=True),
        _rules("IT", "it-IT en-US", "39", r"\d{5}", "00118"),
        _rules("JP", "ja-JP en-US", "81", r"\d{3}-?\d{4}", "100-0001", region_required=True),
        _rules("KR", "ko-KR en-US", "82", r"\d{5}", "04524"),
        _rules("MX", "es-MX en-US", "52", r"\d{5}", "06000", region_required=True),
        _rules("MY", "ms-MY en-US", "60", r"\d{5}", "50000"),
        _rules("NL", "nl-NL en-US", "31", r"\d{4} ?[A-Z]{2}", "1012 AB"),
        _rules("NO", "nb-NO en-US", "47", r"\d{4}", "0150"),
        _rules("NZ", "en-NZ", "64", r"\d{4}", "6011"),
        _rules("PH", "en-PH", "63", r"\d{4}", "1000"),
        _rules("PL", "pl-PL en-US", "48", r"\d{2}-\d{3}", "00-001"),
        _rules("PT", "pt-PT en-US", "351", r"\d{4}-\d{3}", "1000-001"),
        _rules("SE", "sv-SE en-US", "46", r"\d{3} ?\d{2}", "111 22"),
        _rules("SG", "en-SG", "65", r"\d{6}", "018956", city_required=False),
        _rules("TH", "th-TH en-US", "66", r"\d{5}", "10110"),
        _rules("TW", "zh-TW en-US", "886", r"\d{3}(\d{2,3})?", "100"),
        _rules("US", "en-US es-US", "1", r"\d{5}(-\d{4})?", "98052", region_required=True, regions=US_STATES),
        _rules("VN", "vi-VN en-US", "84", r"\d{5,6}", "100000", postal_required=False),
        _rules("ZA", "en-ZA", "27", r"\d{4}", "8001"),
    ]
}
LANGUAGES: dict[str, str] = {
    "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "en": "English", "es": "Español", "fi": "Suomi", "fr": "Français",
    "hi": "हिन्दी", "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "ms": "Bahasa Melayu", "nb": "Norsk bokmål",
    "nl": "Nederlands", "pl": "Polski", "pt": "Português", "sv": "Svenska", "th": "ไทย", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
