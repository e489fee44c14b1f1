import { expect, onTestFinished, test, vi } from 'vitest';
// loaded before there is a document, by which it would decide about the language
import { language } from '../../console/src/language/language.ts';
import { type Answered, webServer } from '../support/web-server.ts';

const ROOT = { name: 'root', via: 'local', csrfToken: 'first' };
const NOTE = { body: { text: 'for who comes next' } } as never;

test('an act that is refused is sent once more for the same person alone, and a proxy’s page is no answer', async () => {
  let me = ROOT;
  /** What the page hears from another of its questions while this one is answered. */
  let meanwhile: ((method: string) => unknown) | undefined;
  await using server = await webServer(({ method, path, headers }): Answered => {
    if (path.endsWith('/export')) return { headers: { 'content-type': 'text/html' }, body: '<p>' };
    const json = { headers: { 'content-type': 'application/json' } };
    if (path.endsWith('/search')) return { ...json, status: 401, body: '{}' };
    meanwhile?.(method);
    if (method === 'GET') return { ...json, body: JSON.stringify(me) };
    const isMine = headers['x-csrf-token'] === me.csrfToken;
    return isMine
      ? { ...json, body: '{}' }
      : { ...json, status: 403, body: '{"code":"FORBIDDEN"}' };
  });
  const reload = vi.fn<() => void>();
  vi.stubGlobal('document', { baseURI: `${server.url}/`, querySelector: () => null });
  vi.stubGlobal('location', { pathname: '/', reload });
  vi.stubGlobal('addEventListener', () => undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const { ask, askBytes, keepPerson } = await import('../../console/src/api/client.ts');
  const sent = (): unknown[] =>
    server.requests
      .splice(0)
      .flatMap(({ method, headers }) => (method === 'POST' ? [headers['x-csrf-token']] : []));
  const refused = { status: 403, code: 'FORBIDDEN' };

  expect(language).toBe('en');
  keepPerson(ROOT);
  me = { ...ROOT, csrfToken: 'second' };
  await ask('POST /notes', NOTE);
  expect(sent()).toEqual(['first', 'second']);
  // the page has the new one before the answer to what was sent with the old one comes
  me = { ...ROOT, csrfToken: 'third' };
  meanwhile = (method) => method === 'POST' && keepPerson(me);
  await ask('POST /notes', NOTE);
  expect(sent()).toEqual(['second', 'third']);
  const elsewhere = { status: 401, code: 'SIGN_IN_ELSEWHERE' };
  await expect(askBytes('POST /messages/export', NOTE)).rejects.toMatchObject(elsewhere);
  await expect(ask('POST /messages/search', NOTE)).rejects.toMatchObject(elsewhere);
  expect(sent()).toEqual(['third', 'third']);
  expect(reload).not.toHaveBeenCalled();

  me = { name: 'bert', via: 'local', csrfToken: 'of bert' };
  meanwhile = (method) => method === 'GET' && keepPerson(me);
  await expect(ask('POST /notes', NOTE)).rejects.toMatchObject(refused);
  // until the page is loaded anew
  await expect(ask('POST /notes', NOTE)).rejects.toMatchObject(refused);
  expect(sent()).toEqual(['third', 'third']);
  expect(reload).toHaveBeenCalled();
});
