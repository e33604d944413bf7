import { Menu, Typography } from "antd";
import { useText } from "../i18n";
import type { CannedReply } from "../lib/types";

interface Props {
  options: readonly CannedReply[];
  picked: number;
  onPick: (reply: CannedReply) => void;
}

const keyOf = (reply: CannedReply) => `${reply.short_code} ${reply.language}`;

export function CannedMenu({ options, picked, onPick }: Props) {
  const { t } = useText();
  const current = options[picked];
  if (!options.length) return <div className="canned"><Typography.Text type="secondary" className="small canned-none">{t("reply.no_canned")}</Typography.Text></div>;
  return (
    <Menu
      className="canned"
      selectedKeys={current ? [keyOf(current)] : []}
      onMouseDown={(e) => e.preventDefault()}
      onClick={({ key }) => {
        const reply = options.find((o) => keyOf(o) === key);
        if (reply) onPick(reply);
      }}
      items={options.map((reply) => ({
        key: keyOf(reply),
        label: <><Typography.Text strong>/{reply.short_code}</Typography.Text> <Typography.Text type="secondary">{reply.text}</Typography.Text></>,
      }))}
    />
  );
}
