import { BookOutlined, CommentOutlined, InboxOutlined, MenuOutlined, TeamOutlined } from "@ant-design/icons";
import { Button, Drawer, Grid, Layout, Menu, Spin } from "antd";
import { lazy, Suspense, useState } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { useText } from "../i18n";
import { ConversationsPage } from "../inbox/ConversationsPage";
import { OfferStack } from "../inbox/OfferStack";
import { useSession } from "../state/session";
import { Banner } from "./Banner";
import { CommandPalette } from "./CommandPalette";
import { Guard } from "./Guard";
import { ShortcutHelp } from "./ShortcutHelp";
import { TopBar } from "./TopBar";

const KnowledgePage = lazy(() => import("../knowledge/KnowledgePage"));
const LeftMessagesPage = lazy(() => import("../pages/LeftMessagesPage"));
const TeamPage = lazy(() => import("../pages/TeamPage"));

export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useText();
  const { chats } = useSession();
  const [path, go] = useLocation();
  const [drawer, setDrawer] = useState(false);
  const phone = !Grid.useBreakpoint().md;
  const area = `/${path.split("/")[1] ?? ""}`;
  const items = [
    ...(chats
      ? [
          { key: "/c", icon: <CommentOutlined />, label: t("nav.conversations") },
          { key: "/messages", icon: <InboxOutlined />, label: t("nav.messages") },
          { key: "/team", icon: <TeamOutlined />, label: t("nav.team") },
        ]
      : []),
    { key: "/kb", icon: <BookOutlined />, label: t("nav.knowledge") },
  ];
  const menu = (
    <Menu
      items={items}
      selectedKeys={[area]}
      onClick={({ key }) => {
        setDrawer(false);
        go(key);
      }}
    />
  );
  const home = chats ? "/c" : "/kb";
  return (
    <Layout className="full">
      <TopBar
        onSignOut={onSignOut}
        menuButton={
          phone ? <Button type="text" icon={<MenuOutlined />} aria-label={t("nav.menu")} onClick={() => setDrawer(true)} /> : null
        }
      />
      <Banner />
      <Layout hasSider={!phone} className="body">
        {phone ? (
          <Drawer open={drawer} onClose={() => setDrawer(false)} placement="left" size={240} title={t("app.name")} styles={{ body: { padding: 8 } }}>
            {menu}
          </Drawer>
        ) : (
          <Layout.Sider theme="light" collapsed collapsedWidth={60} className="rail">
            <nav aria-label={t("nav.menu")}>{menu}</nav>
          </Layout.Sider>
        )}
        <Layout.Content className="content">
          <Guard key={area}>
            <Suspense fallback={<Spin className="page-spin" size="large" />}>
              <Switch>
                {chats ? <Route path="/c/:conv?"><ConversationsPage /></Route> : null}
                {chats ? <Route path="/messages"><LeftMessagesPage /></Route> : null}
                {chats ? <Route path="/team"><TeamPage /></Route> : null}
                <Route path="/kb"><KnowledgePage /></Route>
                <Route><Redirect to={home} /></Route>
              </Switch>
            </Suspense>
          </Guard>
          {chats ? <OfferStack /> : null}
        </Layout.Content>
      </Layout>
      <CommandPalette onSignOut={onSignOut} />
      <ShortcutHelp />
    </Layout>
  );
}
