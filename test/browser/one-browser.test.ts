import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { browser, noBrowser } from '../support/browser.ts';
import { listening } from '../support/tcp-server.ts';

test.skipIf(noBrowser !== undefined)(
  `two browsers of tests share nothing, and after a crash the next one works ${noBrowser ?? ''}`,
  async () => {
    await using server = await listening(
      createServer((_request, response) => response.end('<title>there</title>')),
    );
    const url = `http://127.0.0.1:${server.port}/`;
    await using one = await browser();
    await one.page.goto(url);
    await one.page.evaluate("localStorage.setItem('who', document.cookie = 'who=anna')");
    await using other = await browser();
    await other.page.goto(url);
    const kept = await other.page.evaluate('[document.cookie, localStorage.length]');
    expect(kept).toEqual(['', 0]);

    const session = await one.page.context().browser()?.newBrowserCDPSession();
    const gone = new Promise((resolve) => one.page.context().once('close', resolve));
    // it does not answer any more
    await session?.send('Browser.crash').catch(() => undefined);
    await gone;
    await using next = await browser();
    await next.page.goto(url);
    expect(await next.page.title()).toBe('there');
  },
);
