import { ArrowLeftOutlined, CheckOutlined, InfoCircleOutlined, MoreOutlined, RobotOutlined, SwapOutlined } from "@ant-design/icons";
import { Button, Dropdown, Flex, Grid, Space, Tag, Tooltip, Typography } from "antd";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import type { Status } from "../lib/types";

const TONE = { with_bot: "blue", queued: "orange", with_agent: "cyan", resolved: "default" } as const;

interface Props {
  name: string;
  status: Status;
  agent: string | null;
  canAct: boolean;
  panelOpen: boolean;
  extra: ReactNode;
  onBack: (() => void) | null;
  onPanel: () => void;
  onTransfer: () => void;
  onReturn: () => void;
  onResolve: () => void;
}

export function ChatHeader(props: Props) {
  const { t } = useText();
  const wide = Grid.useBreakpoint().lg;
  const { canAct } = props;
  return (
    <Flex component="header" className="chat-head" align="center" justify="space-between" gap={8}>
      <Flex align="center" gap={8} className="min0">
        {props.onBack ? <Button type="text" icon={<ArrowLeftOutlined />} aria-label={t("common.back")} onClick={props.onBack} /> : null}
        <Typography.Title level={5} ellipsis className="chat-name">{props.name}</Typography.Title>
        <Tag variant="filled" color={TONE[props.status]}>
          {t(`status.${props.status}`)}{props.status === "with_agent" && props.agent && wide ? ` · ${props.agent}` : ""}
        </Tag>
        {wide ? props.extra : null}
      </Flex>
      <Space size={6}>
        {canAct && wide ? (
          <>
            <Tooltip title={t("chat.transfer")}>
              <Button icon={<SwapOutlined />} aria-label={t("chat.transfer")} onClick={props.onTransfer}><span className="head-label">{t("chat.transfer")}</span></Button>
            </Tooltip>
            <Tooltip title={t("chat.to_bot")}>
              <Button icon={<RobotOutlined />} aria-label={t("chat.to_bot")} onClick={props.onReturn}><span className="head-label">{t("chat.to_bot")}</span></Button>
            </Tooltip>
          </>
        ) : null}
        {canAct ? (
          <Tooltip title="Alt+E"><Button type="primary" icon={<CheckOutlined />} onClick={props.onResolve}>{t("chat.resolve")}</Button></Tooltip>
        ) : null}
        {canAct && !wide ? (
          <Dropdown
            trigger={["click"]}
            menu={{
              items: [
                { key: "transfer", icon: <SwapOutlined />, label: t("chat.transfer"), onClick: props.onTransfer },
                { key: "bot", icon: <RobotOutlined />, label: t("chat.to_bot"), onClick: props.onReturn },
              ],
            }}
          >
            <Button icon={<MoreOutlined />} aria-label={t("chat.more")} />
          </Dropdown>
        ) : null}
        <Tooltip title={t("chat.info")}>
          <Button type={props.panelOpen ? "default" : "text"} icon={<InfoCircleOutlined />} aria-label={t("chat.info")} aria-pressed={props.panelOpen} onClick={props.onPanel} />
        </Tooltip>
      </Space>
    </Flex>
  );
}
