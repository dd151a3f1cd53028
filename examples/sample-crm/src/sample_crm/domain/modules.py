"""The six modules: which fields their records have, and which pipelines they begin with.

A module is data, so that the REST interface, its OpenAPI document and `crm.catalog` all follow from here.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

FieldType = Literal[
    "text", "long_text", "email", "phone", "url", "picklist", "number", "money", "boolean", "date",
    "datetime", "user", "reference", "object", "list",
]  # fmt: skip
StageKind = Literal["open", "won", "lost"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record. `read_only`: only actions such as convert set it."""

    name: str
    type: FieldType
    label: str
    options: tuple[str, ...] = ()
    required: bool = False
    default: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a pipeline; a won or lost one closes the record."""

    name: str
    kind: StageKind = "open"


@dataclass(frozen=True, slots=True)
class Module:
    """A kind of record."""

    name: str
    label: str
    id_prefix: str
    own_fields: tuple[Field, ...]
    stages: tuple[Stage, ...] = ()
    """The pipeline it begins with; the one in use is in the database."""
    owner_field: str = "owner"
    fields: dict[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", {each.name: each for each in (*self.own_fields, *_EVERY_RECORD)})


_EVERY_RECORD: Final = (
    Field("id", "text", "Id", read_only=True),
    Field("created_at", "datetime", "Created", read_only=True),
    Field("updated_at", "datetime", "Changed", read_only=True),
    Field("version", "number", "Version", read_only=True),
)
_SOURCES: Final = ("Web Form", "Referral", "Event", "Advertisement", "Cold Call", "Other")
_PRIORITIES: Final = ("Low", "Normal", "High", "Urgent")
_PRIORITY: Final = Field("priority", "picklist", "Priority", _PRIORITIES, default="Normal")
_OWNER: Final = Field("owner", "user", "Owner")

LEADS: Final = Module(
    "leads",
    "Leads",
    "lead",
    (
        Field("name", "text", "Name", required=True),
        Field("email", "email", "Email"),
        Field("phone", "phone", "Phone"),
        Field("company", "text", "Company"),
        Field("source", "picklist", "Source", _SOURCES),
        _PRIORITY,
        Field("amount", "money", "Amount"),
        Field("score", "number", "Score"),
        Field("description", "long_text", "Description"),
        Field("tags", "list", "Tags"),
        _OWNER,
        Field("stage", "picklist", "Stage"),
        Field(
            "status",
            "picklist",
            "Status",
            ("Open", "Converted", "Disqualified"),
            default="Open",
            read_only=True,
        ),
        Field("disqualified_reason", "text", "Reason for disqualifying", read_only=True),
        Field("contact", "reference", "Contact it became", read_only=True),
        Field("account", "reference", "Account it became", read_only=True),
        Field("opportunity", "reference", "Opportunity it became", read_only=True),
    ),
    (Stage("New"), Stage("Contacted"), Stage("Qualified"), Stage("Nurturing")),
)
OPPORTUNITIES: Final = Module(
    "opportunities",
    "Opportunities",
    "opp",
    (
        Field("name", "text", "Name", required=True),
        Field("account", "reference", "Account"),
        Field("contact", "reference", "Contact"),
        Field("amount", "money", "Amount"),
        Field("close_on", "date", "Expected to close"),
        Field("source", "picklist", "Source", _SOURCES),
        _PRIORITY,
        Field("description", "long_text", "Description"),
        Field("lines", "list", "Lines"),
        _OWNER,
        Field("stage", "picklist", "Stage"),
        Field("lost_reason", "text", "Reason for losing"),
        Field("closed_at", "datetime", "Closed", read_only=True),
    ),
    (
        Stage("Qualification"),
        Stage("Proposal"),
        Stage("Negotiation"),
        Stage("Closed Won", "won"),
        Stage("Closed Lost", "lost"),
    ),
)
CONTACTS: Final = Module(
    "contacts",
    "Contacts",
    "contact",
    (
        Field("name", "text", "Name", required=True),
        Field("email", "email", "Email"),
        Field("phone", "phone", "Phone"),
        Field("title", "text", "Title"),
        Field("account", "reference", "Account"),
        _PRIORITY,
        Field("do_not_call", "boolean", "Do not call"),
        Field("description", "long_text", "Description"),
        _OWNER,
    ),
)
ACCOUNTS: Final = Module(
    "accounts",
    "Accounts",
    "account",
    (
        Field("name", "text", "Name", required=True),
        Field("industry", "text", "Industry"),
        Field("website", "url", "Website"),
        Field("phone", "phone", "Phone"),
        Field("employees", "number", "Employees"),
        Field("annual_revenue", "money", "Annual revenue"),
        _PRIORITY,
        Field("address", "object", "Address"),
        Field("description", "long_text", "Description"),
        _OWNER,
    ),
)
TASKS: Final = Module(
    "tasks",
    "Tasks",
    "task",
    (
        Field("subject", "text", "Subject", required=True),
        Field("description", "long_text", "Description"),
        Field("due_at", "datetime", "Due"),
        _PRIORITY,
        Field("assignee", "user", "Assignee"),
        Field("related_module", "text", "Module of the record it is about"),
        Field("related_id", "reference", "Record it is about"),
        Field("status", "picklist", "Status", ("Open", "Completed"), default="Open", read_only=True),
        Field("completed_at", "datetime", "Completed", read_only=True),
    ),
    owner_field="assignee",
)
INVOICES: Final = Module(
    "invoices",
    "Invoices",
    "invoice",
    (
        Field("number", "text", "Number"),
        Field("account", "reference", "Account"),
        Field("contact", "reference", "Contact"),
        Field("opportunity", "reference", "Opportunity"),
        Field("amount", "money", "Amount", required=True),
        Field("currency", "picklist", "Currency", ("EUR", "USD", "GBP"), default="EUR"),
        Field("due_on", "date", "Due on"),
        Field("lines", "list", "Lines"),
        _PRIORITY,
        _OWNER,
        Field(
            "status",
            "picklist",
            "Status",
            ("Draft", "Sent", "Overdue", "Paid"),
            default="Draft",
            read_only=True,
        ),
        Field("sent_at", "datetime", "Sent", read_only=True),
        Field("paid_at", "datetime", "Paid", read_only=True),
    ),
)
MODULES: Final = (LEADS, OPPORTUNITIES, CONTACTS, ACCOUNTS, TASKS, INVOICES)
MODULES_BY_NAME: Final = {module.name: module for module in MODULES}
