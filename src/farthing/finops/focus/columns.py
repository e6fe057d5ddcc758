"""The columns of a FOCUS data set as we fill them, in their order. Knows names and kinds, no values.

Source: FOCUS 1.2, the 21 mandatory columns of Cost and Usage and those conditional ones whose condition holds here: there is
usage, a public price list with unit prices, negotiated prices, sub accounts, tags. Commitments, capacity reservations and
regions have none; CommitmentDiscountStatus, always null, is there since rules on quantities ask for it. Columns with `x_` are
ours: what FOCUS cannot say.
"""

from typing import Literal, NamedTuple

Version = Literal["1.2", "1.3"]
Kind = Literal["text", "number", "time"]


class Column(NamedTuple):
    name: str
    kind: Kind = "text"
    mandatory: bool = False


_COLUMNS = (
    Column("BilledCost", "number", True),
    Column("BillingAccountId", "text", True),
    Column("BillingAccountName", "text", True),
    Column("BillingCurrency", "text", True),
    Column("BillingPeriodEnd", "time", True),
    Column("BillingPeriodStart", "time", True),
    Column("ChargeCategory", "text", True),
    Column("ChargeClass", "text", True),
    Column("ChargeDescription", "text", True),
    Column("ChargeFrequency"),
    Column("ChargePeriodEnd", "time", True),
    Column("ChargePeriodStart", "time", True),
    Column("CommitmentDiscountStatus"),
    Column("ConsumedQuantity", "number"),
    Column("ConsumedUnit"),
    Column("ContractedCost", "number", True),
    Column("ContractedUnitPrice", "number"),
    Column("EffectiveCost", "number", True),
    Column("InvoiceId"),
    Column("InvoiceIssuerName", "text", True),
    Column("ListCost", "number", True),
    Column("ListUnitPrice", "number"),
    Column("PricingCategory"),
    Column("PricingCurrency"),
    Column("PricingCurrencyContractedUnitPrice", "number"),
    Column("PricingCurrencyEffectiveCost", "number"),
    Column("PricingCurrencyListUnitPrice", "number"),
    Column("PricingQuantity", "number", True),
    Column("PricingUnit", "text", True),
    Column("ProviderName", "text", True),
    Column("PublisherName", "text", True),
    Column("ResourceId"),
    Column("ResourceName"),
    Column("ResourceType"),
    Column("ServiceCategory", "text", True),
    Column("ServiceName", "text", True),
    Column("ServiceSubcategory"),
    Column("SkuId"),
    Column("SkuMeter"),
    Column("SkuPriceDetails"),
    Column("SkuPriceId"),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("SubAccountType"),
    Column("Tags"),
)

_NEW_IN_1_3 = (Column("HostProviderName"), Column("ServiceProviderName"))
"""They come beside ProviderName and PublisherName, which 1.3 still has and advises against."""

_OWN = (
    Column("x_BaselineCost", "number"),
    Column("x_CacheHits", "number"),
    Column("x_Calls", "number"),
    Column("x_CallsWithoutCost", "number"),
    Column("x_CostState"),
    Column("x_ListCost", "number"),
    Column("x_ModelId"),
    Column("x_RouteSavedCost", "number"),
    Column("x_SavedCost", "number"),
    Column("x_ServiceTier"),
    Column("x_Tenant"),
    Column("x_TokenClass"),
    Column("x_UnpricedQuantity", "number"),
)


def columns_of(version: Version) -> tuple[Column, ...]:
    """All columns of an export."""
    return (*_COLUMNS, *(_NEW_IN_1_3 if version == "1.3" else ()), *_OWN)
