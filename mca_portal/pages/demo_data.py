"""Who is in the demo? Made-up accounts, staff, companies and people; `manage.py demo` tells their histories.

Companies are Microsoft's well-known sample names and invented Korean ones. Telephone numbers are of ranges that nobody is called on where a
country keeps such a range.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from mca_portal.staff.models import Cloud, Environment, PartnerType
from mca_portal.staff.roles import Role

NAMESPACE = uuid.UUID("4b1f4f4e-9f0a-5d0b-8a5c-7d3f0f3f2a11")  # the demo's ids are the same in every installation
NEWER_TEMPLATE = uuid.uuid5(NAMESPACE, "newer agreement template")
NEWER_LINK = "https://aka.ms/customeragreement"


@dataclass(frozen=True)
class Member:
    """One of the people who sign in: what stands before the @, their role if any, and their name."""

    mailbox: str
    role: Role | None
    first_name: str
    last_name: str
    language: str = ""


@dataclass(frozen=True)
class Account:
    """A partner account of the demo. `reseller`: it becomes an indirect reseller once its provider has set its customers up."""

    host: str
    fields: dict[str, Any]
    staff: tuple[Member, ...]
    companies: str
    reseller: bool = False

    @property
    def id(self) -> uuid.UUID:
        """The same in every installation."""
        return uuid.uuid5(NAMESPACE, self.host)


@dataclass(frozen=True)
class Company:
    """A customer of the demo, and the person there whom the partner knows."""

    name: str
    prefix: str
    place: str
    first_name: str
    last_name: str
    mailbox: str

    @property
    def is_korean(self) -> bool:
        """Whether it has its seat in Korea."""
        return PLACES[self.place][0] == "KR"


def _staff(*people: tuple[str, str, str]) -> tuple[Member, ...]:
    seats = (
        ("admin.agent", Role.ADMIN_AGENT),
        ("sales.agent", Role.SALES_AGENT),
        ("helpdesk.agent", Role.HELPDESK_AGENT),
        ("no.role", None),
    )
    return tuple(
        Member(mailbox, role, first, last, language) for (mailbox, role), (first, last, language) in zip(seats, people, strict=True)
    )


# Country, address line 1, line 2, city, region, postal code, language, telephone numbers (the customer's number in two digits goes in).
PLACES: dict[str, tuple[str, str, str, str, str, str, str, str]] = {
    "강남": ("KR", "강남구 테헤란로 152", "18층", "서울특별시", "", "06236", "ko", "02-2005-01{:02}"),
    "종로": ("KR", "종로구 종로1길 50", "", "서울특별시", "", "03142", "ko", "02-2075-01{:02}"),
    "마포": ("KR", "마포구 월드컵북로 396", "누리꿈스퀘어 9층", "서울특별시", "", "03925", "ko", "02-2132-01{:02}"),
    "부산": ("KR", "해운대구 센텀중앙로 79", "", "부산광역시", "", "48058", "ko", "051-745-01{:02}"),
    "대구": ("KR", "수성구 동대구로 111", "", "대구광역시", "", "42170", "ko", "053-803-01{:02}"),
    "인천": ("KR", "연수구 컨벤시아대로 165", "", "인천광역시", "", "21998", "ko", "032-453-01{:02}"),
    "대전": ("KR", "유성구 대학로 99", "", "대전광역시", "", "34134", "ko", "042-821-01{:02}"),
    "판교": ("KR", "분당구 판교역로 235", "에이치스퀘어 N동", "경기도 성남시", "", "13494", "ko", "031-789-01{:02}"),
    "제주": ("KR", "첨단로 242", "", "제주특별자치도 제주시", "", "63309", "ko", "064-720-01{:02}"),
    "Seoul": ("KR", "100 Toegye-ro, Jung-gu", "State Tower 14F", "Seoul", "", "04631", "en", "010-4555-01{:02}"),
    "Busan": ("KR", "12 Jungang-daero, Dong-gu", "", "Busan", "", "48732", "en", "010-7555-01{:02}"),
    "Redmond": ("US", "700 Bellevue Way NE", "Suite 2200", "Bellevue", "WA", "98004", "en", "425-555-01{:02}"),
    "New York": ("US", "11 Times Square", "", "New York", "NY", "10036", "en", "212-555-01{:02}"),
    "Chicago": ("US", "200 E Randolph St", "Suite 200", "Chicago", "IL", "60601", "en", "312-555-01{:02}"),
    "Austin": ("US", "10900 Stonelake Blvd", "", "Austin", "TX", "78759", "en", "512-555-01{:02}"),
    "Washington": ("US", "901 K St NW", "", "Washington", "DC", "20001", "en", "202-555-01{:02}"),
    "Tokyo": ("JP", "2-16-3 Konan", "Shinagawa Grand Central Tower", "Minato-ku", "Tokyo", "108-0075", "ja", "03-4332-01{:02}"),
    "Osaka": ("JP", "1-1-3 Shibata", "", "Kita-ku, Osaka", "Osaka", "530-0012", "ja", "06-6347-01{:02}"),
    "Berlin": ("DE", "Unter den Linden 17", "", "Berlin", "", "10117", "de", "030 231250{:02}"),
    "Munich": ("DE", "Walter-Gropius-Strasse 5", "", "München", "", "80807", "de", "089 317601{:02}"),
    "London": ("GB", "2 Kingdom Street", "", "London", "", "W2 6BD", "en", "020 7946 01{:02}"),
    "Paris": ("FR", "39 quai du Président Roosevelt", "", "Issy-les-Moulineaux", "", "92130", "fr", "01 99 00 01 {:02}"),
    "Singapore": ("SG", "182 Cecil Street", "#13-01 Frasers Tower", "", "", "069547", "en", "6337 01{:02}"),
    "Sydney": ("AU", "1 Denison Street", "", "North Sydney", "NSW", "2060", "en", "02 5550 01{:02}"),
    "Toronto": ("CA", "81 Bay Street", "Suite 4400", "Toronto", "ON", "M5J 0E7", "en", "416-555-01{:02}"),
    "Amsterdam": ("NL", "Evert van de Beekstraat 354", "", "Schiphol", "", "1118 CZ", "nl", "020 500 01{:02}"),
}

_CONTOSO = """
Northwind Traders Korea | northwindkr | Seoul | Megan | Bowen | megan.bowen
한빛정밀 | hanbitprecision | 인천 | 민준 | 김 | minjun.kim
Woodgrove Bank | woodgrovebank | New York | Isaiah | Langer | isaiah.langer
새벽물류 | saebyeoklogis | 부산 | 서연 | 이 | seoyeon.lee
Tailspin Toys | tailspintoys | Chicago | Lidia | Holloway | lidia.holloway
가온소프트 | gaonsoft | 판교 | 도윤 | 박 | doyun.park
Consolidated Messenger | consolidatedmsgr | Tokyo | Aiko | Tanaka | aiko.tanaka
다온식품 | daonfoods | 대구 | 하은 | 최 | haeun.choi
Graphic Design Institute | graphicdesigninst | Seoul | Hana | Seo | hana.seo
푸른바다해운 | pureunbada | 부산 | 시우 | 정 | siwoo.jung
Margie’s Travel | margiestravel | London | Alex | Wilber | alex.wilber
미래에너지솔루션 | miraeenergy | 대전 | 지우 | 강 | jiwoo.kang
School of Fine Art | schooloffineart | Busan | Yuna | Jang | yuna.jang
한울건설 | hanulconst | 종로 | 주원 | 조 | juwon.cho
Trey Research | treyresearch | Redmond | Grady | Archie | grady.archie
늘봄병원 | neulbomhospital | 강남 | 수아 | 윤 | sua.yoon
Fourth Coffee | fourthcoffee | Seoul | Adele | Vance | adele.vance
서진회계법인 | seojincpa | 종로 | 예준 | 장 | yejun.jang
Blue Yonder Airlines | blueyonderair | London | Henrietta | Mueller | henrietta.mueller
동해수산 | donghaefish | 부산 | 지호 | 임 | jiho.lim
City Power & Light | citypowerlight | Austin | Diego | Siciliani | diego.siciliani
누리게임즈 | nurigames | 판교 | 서준 | 한 | seojun.han
Coho Winery | cohowinery | Sydney | Lynne | Robbins | lynne.robbins
해오름여행사 | haeoreumtour | 제주 | 채원 | 오 | chaewon.oh
Humongous Insurance | humongousins | Singapore | Johanna | Lorenz | johanna.lorenz
한결법무법인 | hangyeollaw | 강남 | 현우 | 서 | hyunwoo.seo
Litware | litware | Munich | Joni | Sherman | joni.sherman
이음디자인 | ieumdesign | 마포 | 지아 | 신 | jia.shin
Lucerne Publishing | lucernepub | Berlin | Miriam | Graham | miriam.graham
백두철강 | baekdusteel | 인천 | 건우 | 권 | gunwoo.kwon
Proseware | proseware | Redmond | Nestor | Wilke | nestor.wilke
온새미로제약 | onsaemiropharm | 대전 | 다은 | 황 | daeun.hwang
Relecloud | relecloud | Seoul | Patti | Fernandez | patti.fernandez
나래항공서비스 | naraeair | 인천 | 우진 | 안 | woojin.ahn
Southridge Video | southridgevideo | Toronto | Pradeep | Gupta | pradeep.gupta
도담유치원 | dodamkids | 대구 | 소율 | 송 | soyul.song
Wide World Importers | wideworldimp | Amsterdam | Debra | Berger | debra.berger
두레협동조합 | durecoop | 제주 | 준서 | 류 | junseo.ryu
Wingtip Toys | wingtiptoys | Osaka | Kenji | Sato | kenji.sato
은하수출판 | eunhasubooks | 마포 | 나은 | 전 | naeun.jeon
Adventure Works Cycles | adventureworks | Redmond | Lee | Gu | lee.gu
청솔제지 | cheongsolpaper | 대전 | 유준 | 홍 | yujun.hong
Alpine Ski House | alpineskihouse | Munich | Christie | Cline | christie.cline
라온엔터테인먼트 | raonent | 마포 | 아린 | 고 | arin.ko
A. Datum Corporation | adatum | Seoul | Irvin | Sayers | irvin.sayers
금강전자 | geumgangelec | 판교 | 은우 | 문 | eunwoo.moon
Bellows College | bellowscollege | Chicago | Ben | Walters | ben.walters
새롬교육 | saeromedu | 종로 | 서윤 | 양 | seoyun.yang
Best For You Organics | bestforyou | Sydney | Emily | Braun | emily.braun
초록농장 | chorokfarm | 제주 | 윤우 | 손 | yunwoo.son
Fincher Architects | fincherarch | Paris | Delia | Dennis | delia.dennis
한강미디어 | hangangmedia | 마포 | 하윤 | 배 | hayoon.bae
First Up Consultants | firstup | New York | Gerhart | Moller | gerhart.moller
별빛천문관 | byeolbitdome | 대전 | 선우 | 백 | sunwoo.baek
Lamna Healthcare | lamnahealth | Singapore | Raul | Razo | raul.razo
하늘보험 | haneulins | 강남 | 유나 | 허 | yuna.heo
Munson’s Pickles | munsonspickles | Berlin | Cameron | White | cameron.white
마루가구 | marufurniture | 대구 | 연우 | 남 | yeonwoo.nam
Nod Publishers | nodpublishers | London | Allan | Deyoung | allan.deyoung
세종통신 | sejongtel | 종로 | 지안 | 심 | jian.shim
The Phone Company | thephonecompany | Busan | Brian | Johnson | brian.johnson
참빛연구소 | chambitlab | 대전 | 이준 | 노 | yijun.noh
VanArsdel | vanarsdel | Tokyo | Haruto | Suzuki | haruto.suzuki
한들패션 | handeulfashion | 강남 | 시아 | 하 | sia.ha
Baldwin Museum of Science | baldwinmuseum | Toronto | Enrico | Cattaneo | enrico.cattaneo
여울컨설팅 | yeoulconsult | 강남 | 도현 | 곽 | dohyun.kwak
Parnell Aerospace | parnellaero | Austin | Bianca | Pisani | bianca.pisani
솔빛인테리어 | solbitinterior | 부산 | 가은 | 성 | gaeun.sung
"""

_SANDBOX = """
Test Bakery | sbxbakery | Seoul | Robin | Kline | robin.kline
시험용 상사 | sbxtrading | 강남 | 지원 | 차 | jiwon.cha
Test University | sbxuniversity | Redmond | Kai | Carter | kai.carter
연습 호텔 | sbxhotel | 제주 | 태윤 | 주 | taeyun.joo
Test Airline | sbxairline | Tokyo | Sora | Ito | sora.ito
모의 병원 | sbxclinic | 부산 | 재이 | 우 | jaei.woo
Test Factory | sbxfactory | Berlin | Jonas | Brandt | jonas.brandt
가상 은행 | sbxbank | 종로 | 승현 | 구 | seunghyun.koo
Test Museum | sbxmuseum | London | Amber | Rodriguez | amber.rodriguez
"""

_FABRIKAM = """
Coho Vineyard | fabcohovineyard | New York | Molly | Dempsey | molly.dempsey
Liberty’s Bakery | fablibertys | New York | Kelly | Krout | kelly.krout
Contoso Pharmaceuticals | fabcontosopharma | Chicago | Sanjay | Shah | sanjay.shah
Datum Logistics | fabdatumlog | Austin | Tony | Allen | tony.allen
Island Resorts | fabislandresorts | Toronto | Claude | Boucher | claude.boucher
Olympia Records | fabolympia | Redmond | Erin | Hagens | erin.hagens
Terra Firma Farms | fabterrafirma | Chicago | Wendy | Kahn | wendy.kahn
Thornton Law | fabthornton | New York | Marcus | Breyer | marcus.breyer
Urban Forest Project | faburbanforest | Toronto | Elise | Roy | elise.roy
Western Rail | fabwesternrail | Austin | Dana | Burnell | dana.burnell
Hudson Dairy | fabhudson | New York | Oscar | Ward | oscar.ward
Lakeshore Clinics | fablakeshore | Chicago | Priya | Nair | priya.nair
한미무역 | fabhanmi | Seoul | 은서 | 민 | eunseo.min
"""

_GOVERNMENT = """
City of Lakewood Services | govlakewood | Redmond | Paul | West | paul.west
County Water Authority | govcountywater | Austin | Rachel | Valdez | rachel.valdez
Department of Parks | govparks | Washington | Neil | Black | neil.black
Harbor Transit Agency | govharbor | New York | Denise | Smith | denise.smith
State Archive | govarchive | Chicago | Julian | Price | julian.price
Public Health Laboratory | govhealthlab | Washington | Carole | Poland | carole.poland
Regional Fire Service | govfire | Austin | Kevin | Cook | kevin.cook
Census Support Office | govcensus | Washington | Laura | Norman | laura.norman
Library District | govlibrary | Chicago | Samuel | Oduya | samuel.oduya
"""

_NORTHWIND = """
Hillside Dental | nwhillside | Redmond | Grace | Taylor | grace.taylor
Riverbank Books | nwriverbank | Chicago | Owen | Reed | owen.reed
Sunset Cinemas | nwsunset | Austin | Maria | Lopez | maria.lopez
Maple Street School | nwmaple | Toronto | Noah | Clark | noah.clark
Anchor Insurance | nwanchor | New York | Ivy | Chen | ivy.chen
Summit Outfitters | nwsummit | Redmond | Peter | Houston | peter.houston
Garden Kitchen | nwgarden | Chicago | Zoe | Adams | zoe.adams
Bright Path Nursing | nwbrightpath | Austin | Ruth | Bell | ruth.bell
Stone Bridge Hotel | nwstonebridge | New York | Victor | Hall | victor.hall
"""

ACCOUNTS = (
    Account(
        host="contoso.example",
        fields={"name": "Contoso", "partner_type": PartnerType.DIRECT_BILL, "time_zone": "Asia/Seoul", "country": "KR"},
        staff=_staff(("지훈", "박", "en"), ("민서", "김", "ko"), ("Suji", "Lee", "en"), ("Yuri", "Choi", "en")),
        companies=_CONTOSO,
    ),
    Account(
        host="contoso-sandbox.example",
        fields={
            "name": "Contoso Sandbox",
            "partner_type": PartnerType.DIRECT_BILL,
            "environment": Environment.SANDBOX,
            "time_zone": "Asia/Seoul",
            "country": "KR",
        },
        staff=_staff(("Jihun", "Park", ""), ("Minseo", "Kim", ""), ("Suji", "Lee", ""), ("Yuri", "Choi", "")),
        companies=_SANDBOX,
    ),
    Account(
        host="fabrikam.example",
        fields={"name": "Fabrikam", "partner_type": PartnerType.INDIRECT_PROVIDER, "time_zone": "America/New_York", "country": "US"},
        staff=_staff(("Tania", "Carr", ""), ("Rory", "Nguyen", ""), ("Dakota", "Sanchez", ""), ("Jordan", "Miller", "")),
        companies=_FABRIKAM,
    ),
    Account(
        host="fabrikam-government.example",
        fields={
            "name": "Fabrikam Government",
            "partner_type": PartnerType.DIRECT_BILL,
            "cloud": Cloud.US_GOVERNMENT,
            "time_zone": "America/New_York",
            "country": "US",
        },
        staff=_staff(("Monica", "Thompson", ""), ("Eric", "Gruber", ""), ("Nina", "Park", ""), ("Sam", "Lowe", "")),
        companies=_GOVERNMENT,
    ),
    Account(
        host="northwind.example",
        fields={
            "name": "Northwind Reseller",
            "partner_type": PartnerType.INDIRECT_PROVIDER,
            "time_zone": "America/Chicago",
            "country": "US",
        },
        staff=_staff(("Nancy", "Davolio", ""), ("Andrew", "Fuller", ""), ("Janet", "Leverling", ""), ("Steven", "Buchanan", "")),
        companies=_NORTHWIND,
        reseller=True,
    ),
)


def companies(account: Account) -> list[Company]:
    """The customers of an account, in the order of its table."""
    return [Company(*(cell.strip() for cell in line.split("|"))) for line in account.companies.strip().splitlines()]


def details(company: Company, number: int) -> dict[str, str]:
    """What somebody would type for the company; `number` (0 to 99) goes into its telephone number."""
    country, line1, line2, city, region, postal_code, language, telephone = PLACES[company.place]
    return {
        "company_name": company.name,
        "domain": f"{company.prefix}.onmicrosoft.com",
        "country": country,
        "address_line1": line1,
        "address_line2": line2,
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "language": language,
        "contact_first_name": company.first_name,
        "contact_last_name": company.last_name,
        "contact_email": f"{company.mailbox}@{company.prefix}.example",
        "contact_phone": telephone.format(number) if number % 5 else "",
    }
