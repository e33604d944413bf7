import { ClockCircleOutlined } from "@ant-design/icons";
import { Typography } from "antd";
import { clock, millis } from "../lib/time";
import type { Instant } from "../lib/types";
import { useNow } from "../lib/useNow";

const LATE = 60_000; // three times the 20 s of the trade's service level 90/20

export function WaitClock({ since, label }: { since: Instant; label?: string }) {
  const now = useNow();
  const waited = now - (millis(since) ?? now);
  return (
    <Typography.Text type={waited > LATE ? "danger" : "secondary"} className="clock small">
      <ClockCircleOutlined /> {label ? `${label} ` : ""}{clock(waited)}
    </Typography.Text>
  );
}
