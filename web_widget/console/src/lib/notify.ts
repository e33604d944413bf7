/** Sound, desktop notification and the badge in the tab's title. */

export function canAsk(): boolean {
  return typeof Notification !== "undefined" && Notification.permission === "default";
}

export async function askPermission(): Promise<void> {
  await Notification.requestPermission();
}

/** Two soft notes; silent where the browser forbids sound before a first click. */
export function chime(): void {
  try {
    const audio = new AudioContext();
    [659.3, 880].forEach((pitch, i) => {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      const at = audio.currentTime + i * 0.16;
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0.0001, at);
      gain.gain.exponentialRampToValueAtTime(0.16, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.42);
    });
    setTimeout(() => void audio.close(), 1_000);
  } catch {
    return;
  }
}

/** A desktop notification while the tab is hidden; a click brings the tab back. */
export function notify(title: string, body: string, tag: string): void {
  if (typeof Notification === "undefined" || Notification.permission !== "granted" || !document.hidden) return;
  const note = new Notification(title, { body, tag });
  note.onclick = () => {
    window.focus();
    note.close();
  };
}

/** "(2) Jieli …": how many things wait for this agent. */
export function badge(count: number): void {
  const plain = document.title.replace(/^\(\d+\) /, "");
  document.title = count > 0 ? `(${count}) ${plain}` : plain;
}
