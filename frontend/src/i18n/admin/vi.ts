/** The words of the administrator’s page in Vietnamese. */

const vi = {
  letters: {
    title: 'Tin báo gửi đi',
    state: 'Trạng thái',
    all: 'tất cả',
    none: 'Chưa có tin báo nào.',
    when: 'Lúc',
    person: 'Người nhận',
    what: 'Nội dung, lý do',
    channel: 'Kênh',
    test: 'Tin thử',
    sendTest: 'Gửi tin thử',
    again: 'Gửi lại',
    next: 'thử lại lúc',
    attempts: (n: string) => `${n} lần gửi`,
    allOff: (channels: string) => `Các kênh ${channels} đều đang tắt: tin báo được lưu, không gửi ra ngoài. Bật trong city/notify.toml.`,
    states: { waiting: 'đang chờ', sent: 'đã gửi', dropped: 'bỏ, không còn cần', withheld: 'không gửi', dead: 'gửi không được' },
    reasons: {
      first: 'báo lần đầu',
      repeat: 'nhắc lại',
      escalation: 'chưa ai xác nhận, báo lên trên',
      cleared: 'cảnh báo đã hết',
      test: 'tin thử',
      quiet_hours: 'giờ yên tĩnh',
      rate_limited: 'quá nhiều tin cho một người',
      noted: 'ghi nhận sau',
      exercise: 'diễn tập, không gửi ra ngoài',
      muted: 'cảnh báo đang im',
      shelved: 'cảnh báo đang tạm ẩn',
      flapping: 'cảnh báo chập chờn',
      acknowledged: 'đã có người xác nhận',
      nobody: 'không có người trực',
    } as Record<string, string>,
  },
}

export default vi
