import { useText } from "../i18n";
import { emotionOf } from "../lib/emotion";
import type { VerdictView } from "../lib/types";

const WIDTH = 280;
const HEIGHT = 44;

/** Negative emotion over the visitor's turns; the dots carry the level's colour, the label says it in words. */
export function Trend({ verdicts }: { verdicts: readonly VerdictView[] }) {
  const { t } = useText();
  const last = verdicts.at(-1);
  if (!last || verdicts.length < 2) return null;
  const points = verdicts.map((v, i) => ({
    x: 6 + (i * (WIDTH - 12)) / (verdicts.length - 1),
    y: HEIGHT - 6 - Math.min(1, Math.max(0, v.negative)) * (HEIGHT - 12),
    level: emotionOf(v.negative)?.level ?? "calm",
    seq: v.seq,
  }));
  const level = emotionOf(last.negative)?.level ?? "calm";
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="trend" role="img" aria-label={t("panel.trend_label", { n: verdicts.length, last: t(`emotion.${level}`) })}>
      <polyline points={points.map((p) => `${p.x},${p.y}`).join(" ")} />
      {points.map((p) => <circle key={p.seq} cx={p.x} cy={p.y} r={3.5} className={p.level} />)}
    </svg>
  );
}
