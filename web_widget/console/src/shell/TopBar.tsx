import { BulbOutlined, DownOutlined, LogoutOutlined, QuestionCircleOutlined, SearchOutlined, SoundOutlined, TranslationOutlined } from "@ant-design/icons";
import { Avatar, Button, Dropdown, Flex, Grid, Layout, Tooltip, type MenuProps } from "antd";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import { useSession } from "../state/session";
import { useSettings, type Settings } from "../state/settings";
import { useUi } from "../state/ui";
import { tint } from "../lib/tint";
import { Health } from "./Health";
import { Mark } from "./Mark";
import { PresenceSwitch } from "./PresenceSwitch";

export function TopBar({ menuButton, onSignOut }: { menuButton: ReactNode; onSignOut: () => void }) {
  const { t, language, w } = useText();
  const { me, chats } = useSession();
  const { theme, sound, set } = useSettings();
  const show = useUi((s) => s.show);
  const wide = Grid.useBreakpoint().md;

  const menu: MenuProps["items"] = [
    { key: "who", type: "group", label: `${me.name} · ${w("role", me.role)}` },
    { key: "language", icon: <TranslationOutlined />, label: language === "en" ? "切换到中文" : "Switch to English" },
    {
      key: "theme",
      icon: <BulbOutlined />,
      label: t("theme.label"),
      children: (["auto", "light", "dark"] as const).map((key) => ({
        key: `theme:${key}`,
        label: `${theme === key ? "✓ " : ""}${t(`theme.${key}`)}`,
      })),
    },
    { key: "sound", icon: <SoundOutlined />, label: `${sound ? "✓ " : ""}${t("sound.label")}` },
    { key: "help", icon: <QuestionCircleOutlined />, label: t("keys.title") },
    { type: "divider" },
    { key: "out", icon: <LogoutOutlined />, label: t("signout"), danger: true },
  ];
  const choose: MenuProps["onClick"] = ({ key }) => {
    if (key === "out") onSignOut();
    else if (key === "help") show("help");
    else if (key === "language") set({ language: language === "en" ? "zh-CN" : "en" });
    else if (key === "sound") set({ sound: !sound });
    else if (key.startsWith("theme:")) set({ theme: key.slice(6) as Settings["theme"] });
  };

  return (
    <Layout.Header className="topbar">
      <Flex align="center" gap={12} className="grow">
        {menuButton}
        <Mark short={!wide} />
        {wide ? (
          <Button className="palette-button" icon={<SearchOutlined />} onClick={() => show("palette")}>
            <span className="grow">{t("palette.open")}</span>
            <kbd>Ctrl K</kbd>
          </Button>
        ) : null}
      </Flex>
      <Flex align="center" gap={wide ? 12 : 6}>
        {wide ? null : (
          <Button type="text" icon={<SearchOutlined />} aria-label={t("palette.label")} onClick={() => show("palette")} />
        )}
        <Health />
        {chats ? <PresenceSwitch /> : null}
        {wide ? (
          <Tooltip title={t("keys.title")}>
            <Button type="text" icon={<QuestionCircleOutlined />} aria-label={t("keys.title")} onClick={() => show("help")} />
          </Tooltip>
        ) : null}
        <Dropdown menu={{ items: menu, onClick: choose }} trigger={["click"]} placement="bottomRight">
          <Button type="text" className="me" aria-label={me.name}>
            <Avatar size={28} style={{ background: tint(me.id) }}>{[...me.name][0]}</Avatar>
            {wide ? <DownOutlined className="tiny" /> : null}
          </Button>
        </Dropdown>
      </Flex>
    </Layout.Header>
  );
}
