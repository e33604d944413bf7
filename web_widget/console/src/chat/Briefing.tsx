import { EnterOutlined, SolutionOutlined } from "@ant-design/icons";
import { Button, Collapse, Flex, Typography } from "antd";
import { side, useText, type TextKey } from "../i18n";
import type { Row } from "../wire";

function lines(value: unknown, language: "zh-CN" | "en"): string[] {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  return list.map((item) => side(item, language)).filter(Boolean);
}

interface Props {
  row: Row;
  /** Unfolded at first: until the agent's first reply. */
  opened: boolean;
  onInsert: ((text: string) => void) | null;
}

/** What the agent must know before the first word: facts, emotion, need, what was tried, how to begin. */
export function Briefing({ row, opened, onInsert }: Props) {
  const { t, language } = useText();
  const body = row.body;
  const parts: [TextKey, string[]][] = [
    ["brief.facts", lines(body["facts"], language)],
    ["brief.emotion", lines(body["emotion"], language)],
    ["brief.need", lines(body["need"], language)],
    ["brief.tried", lines(body["tried"], language)],
  ];
  const first = side(body["first_sentence"], language);
  const label = (
    <Flex gap={8} align="baseline" className="min0">
      <Typography.Text strong className="nowrap"><SolutionOutlined /> {t("brief.title")}</Typography.Text>
      <Typography.Text type="secondary" ellipsis>{side(body["summary"], language)}</Typography.Text>
    </Flex>
  );
  const content = (
    <>
      <div className="brief">
        {parts.map(([key, texts]) => (
          <section key={key}>
            <Typography.Text type="secondary" className="small">{t(key)}</Typography.Text>
            {texts.length > 1 ? <ul>{texts.map((text) => <li key={text}>{text}</li>)}</ul> : <p>{texts[0] ?? t("brief.none")}</p>}
          </section>
        ))}
      </div>
      {first ? (
        <Flex className="brief-first" gap={12} align="center" justify="space-between">
          <div>
            <Typography.Text type="secondary" className="small">{t("brief.first")}</Typography.Text>
            <p>{first}</p>
          </div>
          {onInsert ? <Button size="small" icon={<EnterOutlined />} onClick={() => onInsert(first)}>{t("brief.insert")}</Button> : null}
        </Flex>
      ) : null}
    </>
  );
  return <Collapse className="briefing" size="small" defaultActiveKey={opened ? ["b"] : []} items={[{ key: "b", label, children: content }]} />;
}
