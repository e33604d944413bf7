import { Avatar, Badge, Flex, Tag, Typography } from "antd";
import { useText } from "../i18n";
import { moment } from "../lib/time";
import { tint } from "../lib/tint";
import { previewOf, type Item } from "../state/desk";
import { EmotionMark } from "./EmotionMark";

const TONE = { with_bot: "blue", queued: "orange", with_agent: "cyan", resolved: "default" } as const;

interface Props {
  item: Item;
  mine: boolean;
  selected: boolean;
  showStatus: boolean;
  onOpen: () => void;
}

export function ConversationCard({ item, mine, selected, showStatus, onOpen }: Props) {
  const { t, language, w, guest } = useText();
  const unread = mine ? item.unread : 0;
  return (
    <button type="button" className={selected ? "card selected" : "card"} aria-current={selected} onClick={onOpen}>
      <Badge count={unread} size="small" overflowCount={99} title={t("unread", { n: unread })}>
        <Avatar style={{ background: tint(item.conv) }}>{[...guest(item)][0]}</Avatar>
      </Badge>
      <div className="grow min0">
        <Flex justify="space-between" gap={8} align="baseline">
          <Typography.Text strong ellipsis>{guest(item)}</Typography.Text>
          <Typography.Text type="secondary" className="small nowrap">{moment(item.at, language)}</Typography.Text>
        </Flex>
        <Typography.Text type="secondary" ellipsis className={unread ? "preview unread" : "preview"}>
          {previewOf(item, language) || " "}
        </Typography.Text>
        <Flex gap={4} align="center" wrap className="marks">
          <EmotionMark negative={item.negative} />
          {showStatus ? (
            <Tag variant="filled" color={TONE[item.status]}>
              {item.status === "with_agent" && item.agent_name ? item.agent_name : t(`status.${item.status}`)}
            </Tag>
          ) : null}
          <Typography.Text type="secondary" className="small">{w("lang", item.language)}</Typography.Text>
        </Flex>
      </div>
    </button>
  );
}
