import { Button, Result } from "antd";
import { Component, type ReactNode } from "react";
import { useText } from "../i18n";

function Failed() {
  const { t } = useText();
  return (
    <Result
      status="error"
      title={t("error.page")}
      extra={<Button type="primary" onClick={() => location.reload()}>{t("error.reload")}</Button>}
    />
  );
}

/** Keeps a failing page from taking the others with it. */
export class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <Failed /> : this.props.children;
  }
}
