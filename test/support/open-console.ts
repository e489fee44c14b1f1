import { vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, type Screen } from './browser.ts';
import { type Hub, hub } from './hub.ts';

/** The time that a busy machine may need. */
export const SOON = { timeout: 60_000 };

export interface FoundMessage {
  readonly id: number;
  readonly sessionId: number;
  readonly status: string;
}

/** The hub of the demo with every kind of message and one receiver down, and a browser with its console. */
export interface OpenConsole extends AsyncDisposable {
  readonly running: Hub;
  readonly chrome: Browser;
  /** The results of the API. */
  readonly found: (criteria: object) => Promise<readonly FoundMessage[]>;
  readonly open: (path: string) => Promise<Browser['page']>;
}

export async function openConsole(screen: Screen = {}): Promise<OpenConsole> {
  const stack = new AsyncDisposableStack();
  const built = await builtConsole();
  const running = stack.use(await hub(built, { silent: ['registry'] }));
  // the rest is sent while the page is open
  await running.send(running.messages.filter((_message, index) => index % 4 === 0));
  const chrome = stack.use(await browser(screen));
  const found = async (criteria: object): Promise<readonly FoundMessage[]> => {
    const response = await fetch(`${running.url}/api/v1/messages/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ limit: 100, ...criteria }),
    });
    return ((await response.json()) as { readonly items: readonly FoundMessage[] }).items;
  };
  await vi.waitFor(async () => {
    const suspended = await found({ status: ['suspended'] });
    const sent = await found({ target: 'ward' });
    if (suspended.length === 0 || sent.length < 6)
      throw new Error('the trace does not have what was sent yet');
  }, SOON);
  return {
    running,
    chrome,
    found,
    async open(path) {
      await chrome.page.goto(`${running.url}${path}`);
      return chrome.page;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
