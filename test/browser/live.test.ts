import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { type Hub, hub } from '../support/hub.ts';
import { type TcpGate, tcpGate } from '../support/tcp-gate.ts';

/** Time that a busy machine may take. */
const SOON = { timeout: 60_000 };
const NIGHT = { name: 'night.shift', password: 'a lantern by the ward' };
/** One for each try. */
const NEWCOMERS = ['newcomer', 'newcomer2', 'newcomer3'].map((name) => ({
  name,
  password: 'given out at the desk',
  mustChange: true,
}));

interface Found {
  readonly id: number;
  readonly sessionId: number;
}

async function signIn({ page }: Browser, { name, password }: typeof NIGHT): Promise<void> {
  await page.getByLabel('User').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** A console behind a sign-in, reached over a connection that can be cut. */
describe.skipIf(noBrowser !== undefined)(`a person in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let running: Hub;
  let gate: TcpGate;
  let some: Hub['messages'];
  const newcomers = NEWCOMERS.values();
  let url: string;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    running = stack.use(await hub(built, { silent: ['registry'], users: [NIGHT, ...NEWCOMERS] }));
    some = running.messages.filter((_message, index) => index % 6 === 0);
    await running.send(some);
    gate = stack.use(await tcpGate(Number(new URL(running.url).port)));
    url = `http://127.0.0.1:${gate.port}`;
  });

  afterAll(async () => {
    await stack.disposeAsync();
  });
  beforeEach(() => gate.open());

  /** Asks the API as the person who is signed in there. */
  async function ask<Answer>({ page }: Browser, path: string, body: object): Promise<Answer> {
    const { csrfToken } = (await (
      await page.request.get(`${running.url}/api/v1/me`, { headers: await cookieOf(page) })
    ).json()) as { csrfToken: string };
    const response = await page.request.post(`${running.url}/api/v1/${path}`, {
      headers: { ...(await cookieOf(page)), 'x-csrf-token': csrfToken },
      data: body,
    });
    expect(response.status(), await response.text()).toBe(200);
    return (await response.json()) as Answer;
  }

  // past the gate, as a colleague would
  const cookieOf = async (page: Browser['page']): Promise<{ readonly cookie: string }> => ({
    cookie: (await page.context().cookies(url))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; '),
  });

  test('who signs in with a wrong password is told so, and then comes to the page they wanted', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    await page.goto(`${url}/queues`);
    await page.getByRole('heading', { name: 'Sign in to Waybill' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await signIn(chrome, { ...NIGHT, password: 'not this one at all' });
    await page.getByRole('alert').waitFor();
    await signIn(chrome, NIGHT);
    await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Waybill' }).waitFor();
  });

  test('the sign-in page speaks the language of the browser, and another if one is chosen there', async () => {
    await using chrome = await browser({ locale: 'de-CH' });
    const { page } = chrome;
    await page.goto(`${url}/queues?host=ward`);
    await page.getByRole('heading', { name: 'Bei Waybill anmelden' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Sprache').selectOption('English');
    await page.getByRole('heading', { name: 'Sign in to Waybill' }).waitFor();
    expect(page.url()).toBe(`${url}/queues?host=ward`);
  });

  test('a password that was given out is replaced before anything else', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    await page.goto(url);
    const { value: newcomer = NIGHT } = newcomers.next();
    await signIn(chrome, newcomer);
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('New password').fill('nine geese over the harbour');
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  });

  test('who is signed out while typing signs in over the page, finds the text and goes on', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    await page.goto(url);
    await signIn(chrome, NIGHT);
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    const sent = await vi.waitFor(async () => {
      const { items } = await ask<{ items: Found[] }>(chrome, 'messages/search', {
        target: 'ward',
        status: ['completed'],
      });
      return items[0] ?? Promise.reject(new Error('nothing was sent yet'));
    }, SOON);
    await page.goto(`${url}/messages/${sent.id}`);
    await page.getByRole('button', { name: 'Edit and resend' }).click();
    const dialog = page.getByRole('dialog', { name: /^Edit and resend message/ });
    await dialog.getByLabel('Body').fill('MSH|^~\\&|TYPED|HALF');
    await dialog.getByLabel('Reason').fill('half typed');
    await ask(chrome, 'sign-out', {});
    const again = page.getByRole('dialog', { name: 'Sign in' });
    await again.getByText('You were signed out.').waitFor(SOON);
    // what was shown is seen by nobody meanwhile
    expect(await page.getByText(/TYPED/).filter({ visible: true }).count()).toBe(0);
    expect(await dialog.isVisible()).toBe(false);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await again.getByLabel('Password').fill('not this one');
    await again.getByRole('button', { name: 'Sign in', exact: true }).click();
    await again.getByRole('alert').waitFor();
    await again.getByLabel('Password').fill(NIGHT.password);
    await again.getByRole('button', { name: 'Sign in', exact: true }).click();
    await again.waitFor({ state: 'detached' });
    expect(await dialog.getByLabel('Body').inputValue()).toBe('MSH|^~\\&|TYPED|HALF');
    // with the token of the new session
    await dialog.getByRole('button', { name: /^Resend/ }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  test('while the server is away the page says so and of when it is, and not once it is back', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    await page.goto(url);
    await signIn(chrome, NIGHT);
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    await page.getByRole('table').first().waitFor();
    const banner = page.getByText('The server does not answer. What is shown is as of');
    const offline = (is: boolean) => page.context().setOffline(is);
    // the server is away; the browser knows that it has no network
    for (const [away, back] of [
      [() => gate.shut(), () => gate.open()],
      [() => offline(true), () => offline(false)],
    ] as const) {
      await away();
      await banner.waitFor(SOON);
      expect(await violations(page)).toEqual([]);
      await back();
      await banner.waitFor({ state: 'detached', ...SOON });
    }
  });

  test('a trace shows at once what happens in its session, also what happened while the connection was down', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    await page.goto(url);
    await signIn(chrome, NIGHT);
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    const suspended = async (): Promise<readonly Found[]> => {
      const { items } = await ask<{ items: Found[] }>(chrome, 'messages/search', {
        status: ['suspended'],
      });
      return items.filter(
        (one, index) => items.findIndex(({ sessionId }) => sessionId === one.sessionId) === index,
      );
    };
    // an earlier try has discarded them
    if ((await suspended()).length < 2) await running.send(some);
    const waiting = await vi.waitFor(async () => {
      const [first, second] = await suspended();
      if (first === undefined || second === undefined) throw new Error('nothing is suspended yet');
      return [first, second] as const;
    }, SOON);
    await page.clock.install();
    for (const [broken, { id, sessionId }] of [
      [false, waiting[0]],
      [true, waiting[1]],
    ] as const) {
      await page.goto(`${url}/sessions/${sessionId}`);
      await page.getByRole('group', { name: /^Sequence diagram/ }).waitFor();
      const steps = page.locator('[data-step]');
      expect(await steps.last().getAttribute('aria-label')).toMatch(/suspended/);
      // the page's clock all but stands still, so it does not ask by itself: only the stream can tell it
      await page.clock.pauseAt(Date.now() + 500);
      if (broken) await gate.shut();
      await ask(chrome, `messages/${id}/discard`, { reason: 'nobody needs it' });
      if (broken) await gate.open();
      await expect
        .poll(async () => {
          await page.clock.runFor(20);
          return steps.last().getAttribute('aria-label');
        }, SOON)
        .toMatch(/discarded by night\.shift/);
      await page.clock.resume();
    }
  });
});
