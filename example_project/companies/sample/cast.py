"""Who is in the sample data: the people of Studio Fern, its six clients, and somebody outside."""

from dataclasses import dataclass

from companies.models import Role
from companies.sizes import MEGABYTE

PASSWORD = "fern-demo"  # noqa: S105 - printed at each start; the site listens only on the loopback
DOMAIN = "studio-fern.example"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person with an account. The address is made of `local` and the domain of the company."""

    local: str
    first: str
    last: str
    role: str = Role.CLIENT


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of the studio. `quota` in bytes; None: the files fill it nearly."""

    name: str
    slug: str
    domain: str
    colour: tuple[int, int, int]
    people: tuple[Person, ...]
    quota: int | None = 50 * MEGABYTE


STUDIO = (
    Person(local="ada", first="Ada", last="Okafor"),
    Person(local="ben", first="Ben", last="Ito"),
)
PRINTER = "priya@printworks.example"

NORDLICHT = Client(
    name="Nordlicht Solar",
    slug="nordlicht-solar",
    domain="nordlicht-solar.example",
    colour=(199, 110, 18),
    quota=20 * MEGABYTE,
    people=(
        Person(local="lena", first="Lena", last="Vogt", role=Role.OWNER),
        Person(local="tom", first="Tom", last="Berg"),
        Person(local="anna", first="Anna", last="Łukasik"),
        Person(local="juergen", first="Jürgen", last="Groß", role=Role.VIEWER),
    ),
)
HARBOUR = Client(
    name="Harbour Kitchen",
    slug="harbour-kitchen",
    domain="harbour-kitchen.example",
    colour=(24, 86, 129),
    quota=None,
    people=(
        Person(local="moira", first="Moira", last="O’Neill", role=Role.OWNER),
        Person(local="kwame", first="Kwame", last="Mensah"),
        Person(local="zoe", first="Zoë", last="Hartley"),
    ),
)
AGUILA = Client(
    name="Café Águila",
    slug="cafe-aguila",
    domain="cafe-aguila.example",
    colour=(122, 62, 34),
    quota=6 * MEGABYTE,
    people=(
        Person(local="ines", first="Inés", last="Águila", role=Role.OWNER),
        Person(local="raul", first="Raúl", last="Peña"),
        Person(local="beatriz", first="Beatriz", last="Muñoz", role=Role.VIEWER),
    ),
)
TANAKA = Client(
    name="Tanaka Ceramics (田中陶芸)",
    slug="tanaka-ceramics",
    domain="tanaka-ceramics.example",
    colour=(60, 92, 74),
    people=(
        Person(local="hanako", first="花子", last="田中", role=Role.OWNER),
        Person(local="kenji", first="Kenji", last="Sato"),
        Person(local="yuki", first="Yuki", last="Mori"),
    ),
)
RIVERSIDE = Client(
    name="Riverside Physio",
    slug="riverside-physio",
    domain="riverside-physio.example",
    colour=(22, 116, 104),
    people=(
        Person(local="samir", first="Samir", last="Haddad", role=Role.OWNER),
        Person(local="ewa", first="Ewa", last="Nowak"),
        Person(local="tess", first="Tess", last="Brandt", role=Role.VIEWER),
    ),
)
LINDQVIST = Client(
    name="Lindqvist & Moor",
    slug="lindqvist-moor",
    domain="lindqvist-moor.example",
    colour=(96, 58, 120),
    quota=12 * MEGABYTE,
    people=(
        Person(local="astrid", first="Astrid", last="Lindqvist", role=Role.OWNER),
        Person(local="piet", first="Piet", last="Moor"),
        Person(local="nkechi", first="Nkechi", last="Obi"),
        Person(local="sule", first="Şule", last="Yıldız"),
        Person(local="iman", first="إيمان", last="الخطيب", role=Role.VIEWER),
    ),
)
CLIENTS = (NORDLICHT, HARBOUR, AGUILA, TANAKA, LINDQVIST, RIVERSIDE)
