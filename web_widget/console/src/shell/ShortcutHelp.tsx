import { Flex, Modal, Table } from "antd";
import { useText, type TextKey } from "../i18n";
import { useUi } from "../state/ui";

const KEYS: readonly [string[], TextKey][] = [
  [["Alt J", "Alt K"], "keys.next"],
  [["Alt A"], "keys.accept"],
  [["Alt E"], "keys.resolve"],
  [["Alt P"], "keys.note"],
  [["Alt L"], "keys.reply"],
  [["Esc"], "keys.close"],
  [["Ctrl K"], "keys.palette"],
  [["/"], "keys.canned"],
  [["Enter"], "keys.send"],
  [["?"], "keys.help"],
];

export function ShortcutHelp() {
  const { t } = useText();
  const open = useUi((s) => s.open === "help");
  const show = useUi((s) => s.show);
  return (
    <Modal open={open} onCancel={() => show(null)} footer={null} title={t("keys.title")} width={440}>
      <Table
        size="small"
        pagination={false}
        showHeader={false}
        rowKey="text"
        dataSource={KEYS.map(([keys, text]) => ({ keys, text }))}
        columns={[
          { dataIndex: "text", render: (text: TextKey) => t(text) },
          { dataIndex: "keys", align: "right", render: (keys: string[]) => <Flex gap={4} justify="end">{keys.map((k) => <kbd key={k}>{k}</kbd>)}</Flex> },
        ]}
      />
    </Modal>
  );
}
