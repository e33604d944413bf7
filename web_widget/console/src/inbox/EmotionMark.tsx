import { Flex, Tag } from "antd";
import { useText } from "../i18n";
import { emotionOf } from "../lib/emotion";

/** Level as four bars, colour and word. */
export function EmotionMark({ negative, onClick }: { negative: number | null | undefined; onClick?: () => void }) {
  const { t } = useText();
  const mark = emotionOf(negative);
  if (!mark) return null;
  const label = t(`emotion.${mark.level}`);
  const score = (negative ?? 0).toFixed(2);
  return (
    <Tag
      color={mark.color}
      variant="filled"
      className={onClick ? "emotion clickable" : "emotion"}
      title={t("emotion.reading", { label, score })}
      {...(onClick
        ? { role: "button", tabIndex: 0, onClick, onKeyDown: (e: React.KeyboardEvent) => e.key === "Enter" && onClick() }
        : {})}
    >
      <Flex component="span" align="center" gap={5}>
        <span className="bars" aria-hidden>
          {[1, 2, 3, 4].map((n) => <i key={n} className={n <= mark.bars ? "on" : ""} />)}
        </span>
        {label}
      </Flex>
    </Tag>
  );
}
