"""Measures: the named counts that formulas are made of, by where they come from; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from ioc.model import Text

Origin = Literal[
    "dossiers", "procedures", "tickets", "incidents", "alerts", "reports", "ledger", "feeds",
    "quality",
]  # fmt: skip
MeasureKind = Literal["flow", "stock", "score", "rank"]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A named count.

    A flow adds up over days; a stock is a state at the period's end; a score and a rank are given
    by somebody else, and are neither added up, averaged nor restated.
    """

    id: str
    name: Text
    uom: str
    source: Origin
    kind: MeasureKind

    @property
    def adds_up(self) -> bool:
        """Whether the counts of units may be added to that of the unit above them."""
        return self.kind in ("flow", "stock")


def _all(
    source: Origin, kind: MeasureKind, uom: str, rows: Iterable[tuple[str, str, str]]
) -> Iterator[Measure]:
    for id, vi, en in rows:
        yield Measure(id=id, name=Text(vi, en), uom=uom, source=source, kind=kind)


_RECEIVED: Final = (
    ("received_direct", "Tiếp nhận trực tiếp", "Received direct"),
    ("received_online", "Tiếp nhận trực tuyến", "Received online"),
    ("received_post", "Tiếp nhận qua bưu chính", "Received by post"),
    ("received_national_portal", "Nộp qua Cổng quốc gia", "Through the national portal"),
    ("received_vneid", "Nộp qua VNeID", "Through VNeID"),
    ("received_provincial_portal", "Nộp qua cổng của tỉnh", "Through the provincial portal"),
    ("received_mobile", "Nộp bằng điện thoại", "Filed by phone"),
    ("received_desktop", "Nộp bằng máy tính", "Filed by computer"),
    ("received_full", "Tiếp nhận của dịch vụ toàn trình", "Received for full services"),
    ("received_partial", "Tiếp nhận của dịch vụ một phần", "Received for partial services"),
    ("received_level_2", "Tiếp nhận của dịch vụ mức độ 2", "Received for services of level 2"),
    ("received_level_3", "Tiếp nhận của dịch vụ mức độ 3", "Received for services of level 3"),
    ("received_level_4", "Tiếp nhận của dịch vụ mức độ 4", "Received for services of level 4"),
    ("received_online_full", "Trực tuyến của dịch vụ toàn trình", "Online for full services"),
    ("received_online_level_3_4", "Trực tuyến của dịch vụ mức độ 3, 4", "Online for levels 3, 4"),
    ("received_synced", "Đồng bộ lên Cổng Dịch vụ công quốc gia", "Synced to the national portal"),
    ("received_digitised", "Thành phần được số hoá khi tiếp nhận", "Parts digitised at intake"),
    ("received_reused", "Có dữ liệu được dùng lại", "With data used again"),
    ("received_personal_store", "Dùng kho dữ liệu cá nhân", "With the personal store"),
    ("received_population_data", "Dùng dữ liệu dân cư", "With population data"),
    ("received_authenticated", "Nộp bằng tài khoản VNeID", "Filed by a VNeID account"),
    ("received_fee", "Có phí, lệ phí", "With a fee"),
    ("paid_online", "Đã thanh toán trực tuyến", "Paid online"),
    ("received_result_required", "Thủ tục có kết quả giấy", "Of procedures with a paper result"),
    ("received_here", "Tiếp nhận tại đơn vị", "Received at the unit"),
    ("received_here_for_others", "Tiếp nhận cho đơn vị khác", "Received for other units"),
    ("received_supplemented", "Phải bổ sung", "With a request for more"),
)  # fmt: skip

_RESOLVED: Final = (
    ("resolved_early", "Giải quyết trước hạn", "Resolved early"),
    ("resolved_on_time", "Giải quyết đúng hạn", "Resolved on time"),
    ("resolved_late", "Giải quyết quá hạn", "Resolved late"),
    ("resolved_undated", "Giải quyết, không có hạn", "Resolved without a due date"),
    ("resolved_granted", "Giải quyết, có kết quả", "Resolved and granted"),
    ("resolved_refused", "Trả lại, từ chối", "Refused"),
    ("resolved_withdrawn", "Rút hồ sơ", "Withdrawn"),
    ("resolved_with_file", "Có kết quả điện tử", "With an electronic result"),
    ("resolved_digitised", "Số hoá thành phần và kết quả", "Parts and result digitised"),
    ("resolved_result_required", "Giải quyết, có kết quả giấy", "Resolved, paper result due"),
    ("asked", "Được hỏi ý kiến", "Asked whether satisfied"),
    ("satisfied", "Hài lòng", "Satisfied"),
    ("rated_late_or_disliked", "Quá hạn hoặc không hài lòng", "Late or disliked"),
)  # fmt: skip

_HELD: Final = (
    ("in_hand", "Đang giải quyết", "In hand"),
    ("in_hand_overdue", "Đang giải quyết, quá hạn", "In hand and overdue"),
    ("carried_over", "Kỳ trước chuyển qua", "Carried over"),
)  # fmt: skip

_PROCEDURES: Final = (
    ("procedures_published", "Thủ tục đã công bố", "Procedures published"),
    ("procedures_level_2", "Thủ tục mức độ 2", "Procedures of level 2"),
    ("procedures_level_3", "Thủ tục mức độ 3", "Procedures of level 3"),
    ("procedures_level_4", "Thủ tục mức độ 4", "Procedures of level 4"),
    ("procedures_full", "Thủ tục toàn trình", "Full online services"),
    ("procedures_partial", "Thủ tục một phần", "Partial online services"),
    ("procedures_integrated", "Thủ tục tích hợp Cổng quốc gia", "On the national portal"),
    ("procedures_with_fee", "Thủ tục có phí, lệ phí", "Procedures with a fee"),
    ("procedures_with_fee_integrated", "Tích hợp thanh toán", "Online payment integrated"),
    ("procedures_population_data", "Thủ tục dùng dữ liệu dân cư", "With population data"),
    ("procedures_for_people", "Thủ tục của người dân", "Procedures for people"),
    ("procedures_in_authority", "Thủ tục thuộc thẩm quyền", "Procedures in authority"),
    ("procedures_content_full", "Thủ tục công khai đủ nội dung", "Published with all parts"),
)  # fmt: skip

_PROCEDURES_MADE: Final = (
    ("procedures_publish_on_time", "Thủ tục công bố đúng hạn", "Published on time"),
    ("procedures_publish_due", "Thủ tục phải công bố", "To be published"),
    ("procedures_update_on_time", "Thủ tục công khai đúng hạn", "Made public on time"),
    ("procedures_update_due", "Thủ tục phải công khai", "To be made public"),
    ("procedures_added", "Thủ tục thêm mới", "Procedures added"),
    ("procedures_cut", "Thủ tục cắt giảm", "Procedures cut"),
    ("services_with_dossiers", "Dịch vụ có hồ sơ trực tuyến", "Services with online dossiers"),
    ("services_level_3_with_dossiers", "Dịch vụ mức độ 3 có hồ sơ", "Level 3 with dossiers"),
    ("services_level_4_with_dossiers", "Dịch vụ mức độ 4 có hồ sơ", "Level 4 with dossiers"),
    ("services_full_with_dossiers", "Dịch vụ toàn trình có hồ sơ", "Full services with dossiers"),
    ("services_partial_with_dossiers", "Dịch vụ một phần có hồ sơ", "Partial with dossiers"),
    ("procedures_paid_online", "Thủ tục có thanh toán trực tuyến", "Procedures paid online"),
)  # fmt: skip

_TICKETS: Final = (
    ("tickets_received", "Phản ánh tiếp nhận", "Tickets received"),
    ("tickets_resolved_on_time", "Phản ánh xử lý đúng hạn", "Tickets resolved on time"),
    ("tickets_resolved_late", "Phản ánh xử lý quá hạn", "Tickets resolved late"),
    ("tickets_rated", "Phản ánh được đánh giá", "Tickets rated"),
    ("tickets_satisfied", "Phản ánh được đánh giá hài lòng", "Tickets rated satisfied"),
    ("tickets_false", "Phản ánh không đúng", "False tickets"),
    ("petitions_received", "Kiến nghị tiếp nhận", "Petitions received"),
    ("petitions_on_time", "Kiến nghị xử lý đúng hạn", "Petitions handled on time"),
    ("petitions_due", "Kiến nghị phải xử lý", "Petitions to be handled"),
    ("petitions_disliked_repeated_late", "Kiến nghị không hài lòng, lặp lại hoặc quá hạn",
     "Petitions disliked, repeated or late"),
    ("field_reports_received", "Phản ánh hiện trường tiếp nhận", "Field reports received"),
    ("field_reports_due", "Phản ánh hiện trường phải xử lý", "Field reports to be handled"),
    ("field_reports_on_time", "Phản ánh hiện trường đúng hạn", "Field reports on time"),
    ("petitions_rules", "Kiến nghị về quy định", "Petitions about rules"),
    ("petitions_staff", "Kiến nghị về cán bộ", "Petitions about staff"),
)  # fmt: skip

_INCIDENTS: Final = (
    ("incidents_opened", "Vụ việc phát sinh", "Incidents opened"),
    ("incidents_acknowledged", "Vụ việc đã tiếp nhận", "Incidents acknowledged"),
    ("incidents_acknowledge_due", "Vụ việc phải tiếp nhận", "Incidents to be acknowledged"),
    ("incidents_acknowledged_on_time", "Tiếp nhận đúng hạn", "Acknowledged on time"),
    ("incidents_assigned", "Vụ việc đã giao", "Incidents assigned"),
    ("incidents_assign_due", "Vụ việc phải giao", "Incidents to be assigned"),
    ("incidents_assigned_on_time", "Giao đúng hạn", "Assigned on time"),
    ("incidents_resolved", "Vụ việc đã xử lý", "Incidents resolved"),
    ("incidents_resolve_due", "Vụ việc phải xử lý", "Incidents to be resolved"),
    ("incidents_resolved_on_time", "Xử lý đúng hạn", "Resolved on time"),
    ("incidents_false", "Báo động giả", "False alarms"),
)
_INCIDENT_MINUTES: Final = (
    ("incidents_acknowledge_minutes", "Phút đến khi tiếp nhận", "Minutes to acknowledge"),
    ("incidents_assign_minutes", "Phút đến khi giao", "Minutes to assign"),
    ("incidents_resolve_minutes", "Phút đến khi xử lý xong", "Minutes to resolve"),
)

_ALERTS: Final = (
    ("alerts_told", "Cảnh báo đã báo", "Alerts told"),
    ("alerts_acknowledged", "Cảnh báo đã xác nhận", "Alerts acknowledged"),
    ("alerts_judged", "Cảnh báo có kết quả xử lý", "Alerts whose incident has a result"),
    ("alerts_false", "Cảnh báo là báo động giả", "Alerts that were false"),
)

_OWED: Final = (
    ("reports_due", "Báo cáo đến hạn", "Reports due"),
    ("reports_on_time", "Báo cáo gửi đúng hạn", "Reports handed in on time"),
)

_LEDGER: Final = (
    ("ledger_received", "Nhận", "Received"),
    ("ledger_stored", "Lưu", "Stored"),
    ("ledger_duplicate", "Trùng", "Duplicate"),
    ("ledger_corrected", "Sửa", "Corrected"),
    ("ledger_late", "Trễ", "Late"),
    ("ledger_quarantined", "Cách ly", "Quarantined"),
)

_FEEDS: Final = (
    ("feeds_fresh", "Nguồn mới", "Fresh feeds"),
    ("feeds_late", "Nguồn trễ", "Late feeds"),
    ("feeds_stale", "Nguồn cũ", "Stale feeds"),
    ("feeds_never", "Nguồn chưa có dữ liệu", "Feeds that never sent"),
)

_QUALITY: Final = (
    ("quality_right", "Đúng", "Right"), ("quality_right_of", "Đúng, trên", "Right, of"),
    ("quality_complete", "Đủ", "Complete"), ("quality_complete_of", "Đủ, trên", "Complete, of"),
    ("quality_clean", "Sạch", "Clean"), ("quality_clean_of", "Sạch, trên", "Clean, of"),
    ("quality_live", "Sống", "Live"), ("quality_live_of", "Sống, trên", "Live, of"),
)  # fmt: skip

BUILT_IN: Final[Mapping[str, Measure]] = {
    measure.id: measure
    for measures in (
        _all("dossiers", "flow", "{dossiers}", _RECEIVED),
        _all("dossiers", "flow", "{dossiers}", _RESOLVED),
        _all("dossiers", "stock", "{dossiers}", _HELD),
        _all("procedures", "stock", "{procedures}", _PROCEDURES),
        _all("procedures", "flow", "{procedures}", _PROCEDURES_MADE),
        _all("tickets", "flow", "{tickets}", _TICKETS),
        _all("tickets", "stock", "{tickets}",
             (("tickets_overdue", "Phản ánh quá hạn", "Tickets overdue"),)),
        _all("incidents", "flow", "{incidents}", _INCIDENTS),
        _all("incidents", "flow", "min", _INCIDENT_MINUTES),
        _all("incidents", "stock", "{incidents}",
             (("incidents_overdue", "Vụ việc quá hạn", "Incidents overdue"),)),
        _all("alerts", "flow", "{alerts}", _ALERTS),
        _all("alerts", "flow", "min",
             (("alerts_acknowledge_minutes", "Phút đến khi xác nhận", "Minutes to acknowledge"),)),
        _all("alerts", "flow", "h",
             (("alerts_operator_hours", "Giờ trực", "Operator-hours"),)),
        _all("alerts", "stock", "{alerts}",
             (("alerts_stale", "Cảnh báo kéo dài quá 24 giờ", "Alerts of over 24 hours"),)),
        _all("reports", "flow", "{reports}", _OWED),
        _all("ledger", "flow", "{observations}", _LEDGER),
        _all("feeds", "stock", "{feeds}", _FEEDS),
        _all("quality", "stock", "{observations}", _QUALITY),
    )
    for measure in measures
}  # fmt: skip
"""What the product counts itself; what is handed in is declared by the city."""
