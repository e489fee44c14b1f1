import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { noBrowser } from '../support/browser.ts';
import { type OpenConsole, openConsole, SOON } from '../support/open-console.ts';

const NO_WORKERS = 'delete globalThis.SharedWorker';
/** A browser that has shared workers, and cannot load the script of one. */
const NO_SCRIPT = `{
  const Before = SharedWorker;
  globalThis.SharedWorker = class extends Before {
    constructor(_url, options) { super('/assets/gone.js', options); }
  };
}`;

/** Notes that the page was told that its stream is open. */
const HEARS = `{
  const { start } = MessagePort.prototype;
  MessagePort.prototype.start = function () {
    this.addEventListener('message', ({ data }) => {
      if (data?.kind === 'live') globalThis.hasStream = data.now;
    });
    return start.call(this);
  };
}`;

const hasStream = (page: Page): Promise<void> =>
  expect.poll(() => page.evaluate('globalThis.hasStream'), SOON).toBe(true);

const workers = async (session: CDPSession): Promise<string[]> => {
  const { targetInfos } = await session.send('Target.getTargets');
  return targetInfos.flatMap(({ type, targetId }) => (type === 'shared_worker' ? [targetId] : []));
};

/** The one live stream of a browser, as its windows come, are hidden, freeze and go, and its worker dies. */
describe.skipIf(noBrowser !== undefined)(`the live stream in Chromium ${noBrowser ?? ''}`, () => {
  let opened: OpenConsole;
  let pages: Page[] = [];

  beforeAll(async () => {
    opened = await openConsole();
    await opened.chrome.page.context().clock.install();
  });

  beforeEach(async () => {
    for (const page of pages) await page.close();
    pages = [];
  });

  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  let isStill = false;
  let isOn = true;
  const goOn = async (): Promise<void> => {
    await opened.chrome.page.context().clock.resume();
    isStill = false;
  };

  /** Windows that show a host, and whose clock stands still: they ask nothing by themselves. */
  async function windows(count: number, script?: string): Promise<readonly Page[]> {
    const context = opened.chrome.page.context();
    await goOn();
    for (let n = 0; n < count; n++) {
      const page = await context.newPage();
      pages.push(page);
      await page.addInitScript(HEARS);
      if (script !== undefined) await page.addInitScript(script);
      await page.goto(`${opened.running.url}/hosts/ward`);
      await page.getByRole('button', { name: isOn ? 'Stop' : 'Start', exact: true }).waitFor();
      await hasStream(page);
    }
    // beyond what the call itself may take, and where a page's clock is ahead: none can be paused in its past
    const clocks = await Promise.all(pages.map((page) => page.evaluate(() => Date.now())));
    await context.clock.pauseAt(Math.max(Date.now(), ...clocks) + 20_000);
    isStill = true;
    return pages;
  }

  /** Switches the host that the windows show off, or on again. */
  async function switchWard(): Promise<void> {
    isOn = !isOn;
    const response = await fetch(
      `${opened.running.url}/api/v1/hosts/ward/${isOn ? 'start' : 'stop'}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'a test' }),
      },
    );
    expect(response.status).toBe(200);
  }

  /** They show it as it was switched. */
  async function areTold(...those: readonly (Page | undefined)[]): Promise<void> {
    for (const page of those)
      await expect
        .poll(async () => {
          if (isStill) await page?.clock.runFor(20);
          return page?.getByRole('button', { name: isOn ? 'Stop' : 'Start', exact: true }).count();
        }, SOON)
        .toBe(1);
  }

  test('a third window shares the stream of the others, and is told when the first is gone', async () => {
    const [first, second, third] = await windows(3);
    const session = await opened.chrome.page.context().newCDPSession(opened.chrome.page);
    expect(await workers(session)).toHaveLength(1);
    await switchWard();
    await areTold(first, second, third);
    await first?.close();
    await switchWard();
    await areTold(second, third);
  });

  test.for([
    ['has no shared workers', NO_WORKERS],
    ['cannot load the script of one', NO_SCRIPT],
  ] as const)('a window of a browser that %s has a stream of its own', async ([, script]) => {
    const both = await windows(2, script);
    await switchWard();
    await areTold(...both);
    const session = await opened.chrome.page.context().newCDPSession(opened.chrome.page);
    await expect.poll(() => workers(session), SOON).toEqual([]);
  });

  test('where the worker died, windows learn what they ask for, and the next one has a new worker', async () => {
    const both = await windows(2);
    const session = await opened.chrome.page.context().newCDPSession(opened.chrome.page);
    const [worker = ''] = await workers(session);
    await session.send('Target.closeTarget', { targetId: worker });
    await goOn();
    await switchWard();
    await areTold(...both);
    const [, , third] = await windows(1);
    await switchWard();
    await areTold(third);
    expect(await workers(session)).toHaveLength(1);
  });

  test('a window that was frozen is told what it missed', async () => {
    const [page, other] = await windows(2);
    if (page === undefined) throw new Error('there is a window');
    const session = await opened.chrome.page.context().newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await switchWard();
    await areTold(other);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await areTold(page);
    expect(await workers(session)).toHaveLength(1);
  });
});
