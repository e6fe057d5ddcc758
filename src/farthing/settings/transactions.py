"""The settings of business transactions: which calls make one, what tools cost, what people cost. Read by `tree`; what is
made of it is for `finops`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from farthing.settings.values import Amount


class TransactionTypeSettings(msgspec.Struct, frozen=True):
    """One type of transaction. Calls name it by the header `x-farthing-transaction: NAME/ID`, or the rule here finds them."""

    features: Annotated[
        list[str],
        Meta(description="Calls of these features belong to it. Empty, as are `tags`: only those that name it."),
    ] = []
    tags: Annotated[dict[str, str], Meta(description="Calls must carry these tags too; `*` is any value.")] = {}
    id_tag: Annotated[
        str,
        Meta(
            description="The tag, or one of `user`, `team`, `project`, that tells transactions apart. Empty: what "
            "`x-farthing-transaction` says, else each call is one."
        ),
    ] = ""
    human_minutes: Annotated[
        Amount, Meta(description="Minutes in which a person does the same by hand. 0: not said.")
    ] = Amount()  # fmt: skip
    human_dollars: Annotated[
        Amount, Meta(description="What it costs by hand, instead of the minutes. 0: not said.")
    ] = Amount()  # fmt: skip
    hourly_rate: Annotated[Amount, Meta(description="As `transactions.hourly_rate`. 0: the same.")] = Amount()


class TransactionSettings(msgspec.Struct, frozen=True):
    """What business transactions cost beside their calls, and what they are compared with."""

    hourly_rate: Annotated[
        Amount, Meta(description="An hour of a person's work with all that comes on top, in dollars. 0: not said.")
    ] = Amount()
    tools_tag: Annotated[
        str, Meta(description="The tag by which calls say what tools served them, such as `crm=2,search`.")
    ] = "tools"  # fmt: skip
    tools: Annotated[
        dict[str, Amount], Meta(description="Price list of tools and external calls: dollars for one use.")
    ] = {}  # fmt: skip
    plans: Annotated[
        dict[str, Amount], Meta(description="What a user of each plan pays in a month, in dollars; calls carry the tag `plan`.")
    ] = {}  # fmt: skip
    types: Annotated[dict[str, TransactionTypeSettings], Meta(description="By type.")] = {}
