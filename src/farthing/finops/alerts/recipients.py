"""Which channels hear of an alert: those that want its severity, rule and tenant, within what the rule's settings allow."""

from farthing.finops.alerts.finding import SEVERITY
from farthing.settings import AlertChannelSettings, AlertRuleSettings, AlertSettings
from farthing.store.alerts import Standing

LOG = "log"
"""The channel that there is without any settings."""


class Recipients:
    """See the module."""

    def __init__(self, settings: AlertSettings) -> None:
        self._channels = settings.channels or {LOG: AlertChannelSettings("log")}
        self._rules = settings.rules

    @property
    def names(self) -> list[str]:
        return list(self._channels)

    def of_rule(self, rule: str) -> tuple[str, ...]:
        """Those that want what this rule says, if it is bad enough and of their tenant."""
        only = self._rules.get(rule, AlertRuleSettings()).channels
        return tuple(
            name
            for name, channel in self._channels.items()
            if (not only or name in only) and (not channel.rules or rule in channel.rules)
        )

    def __call__(self, standing: Standing) -> tuple[str, ...]:
        only = self._rules.get(standing.rule, AlertRuleSettings()).channels
        return tuple(
            name for name, channel in self._channels.items() if (not only or name in only) and _wants(channel, standing)
        )


def _wants(channel: AlertChannelSettings, standing: Standing) -> bool:
    severe = channel.least == "warn" or SEVERITY[standing.state] >= SEVERITY[channel.least]
    return severe and (not channel.rules or standing.rule in channel.rules) and channel.tenant in ("", standing.tenant)
