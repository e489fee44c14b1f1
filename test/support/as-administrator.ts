import { request as ask, createServer } from 'node:http';
import type { MetaPlace } from '../../src/access/meta/meta-database.ts';
import { addLocalUser, type LocalUser } from './local-user.ts';
import { listening } from './tcp-server.ts';
import { visitor } from './visitor.ts';

/** The administrator of tests that are not about signing in. */
const ADMIN = { name: 'admin', password: 'a test has its own administrator' };

interface AsAdministrator extends AsyncDisposable {
  /** Ends with a slash. */
  readonly url: string;
}

/**
 * Access to a console as administrator for everybody: a proxy that adds a token to requests without
 * their own sign-in. The console behind it is unchanged.
 */
async function asAdministrator(
  data: string,
  url: string,
  place: MetaPlace,
): Promise<AsAdministrator> {
  await addLocalUser(data, ADMIN satisfies LocalUser, place);
  const admin = visitor(url);
  await admin.signIn(ADMIN.name, ADMIN.password);
  const made = await admin.ask<{ token: string }>('POST', '/api/v1/tokens', {
    label: 'tests',
    days: 1,
  });
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  const authorization = `Bearer ${made.body.token}`;
  const { hostname: host, port } = new URL(url);
  const server = createServer((request, response) => {
    const { headers, method, url: path } = request;
    const isSomebody = headers.cookie?.includes('sid-') === true || 'authorization' in headers;
    const onward = ask(
      { host, port, method, path, headers: isSomebody ? headers : { ...headers, authorization } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    // one side disconnected, so the other does as well
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  const open = await listening(server);
  return {
    url: `http://127.0.0.1:${open.port}/`,
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}

/** The same if wanted; otherwise the console itself. */
export async function wayTo(
  plane: { readonly api: { readonly url: string } | undefined },
  { data, wanted, ...more }: MetaPlace & { readonly wanted: boolean },
): Promise<AsAdministrator> {
  const url = plane.api?.url ?? '';
  if (wanted) return asAdministrator(data, url, { data, ...more });
  return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
}
