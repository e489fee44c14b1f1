/**
 * Opens pages of the console while its server is away. It keeps the shell (the page, scripts, styles), which is the same
 * for everybody, and nothing that the API says. A page comes from the server if that answers, so that a new version wins
 * at once; scripts and styles are named by their content, so that no two versions mix.
 */

/** What the shell is made of. */
export interface ShellParts {
  /** Of all files. */
  readonly version: string;
  /** Scripts, styles and what the page names, by their path from the root of the console. */
  readonly files: readonly string[];
  /** The script that the page of this version loads. */
  readonly entry: string;
  /** Beginnings of the addresses of pages. */
  readonly pages: readonly string[];
}

/** Written in front of this script by the build. */
declare const SHELL: ShellParts;

interface LastingEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}

interface AskedEvent extends LastingEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

/** What we use of the scope of a worker: the types of the browser's window exclude those of workers. */
interface Scope {
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
  addEventListener(name: 'install' | 'activate', act: (event: LastingEvent) => void): void;
  addEventListener(name: 'fetch', act: (event: AskedEvent) => void): void;
}

const worker = globalThis as unknown as Scope;
const root = worker.registration.scope;
/** Consoles at other paths of this server keep their own. */
const OURS = `waybill ${root} `;
const NAME = `${OURS}${SHELL.version}`;
const FILES = SHELL.files.map((file) => new URL(file, root).href);
const PAGES = new Set(SHELL.pages);

/** Milliseconds after which a server that does not answer counts as away. */
const PATIENCE = 5_000;
/** A proxy says that there is no server. */
const AWAY = new Set([502, 503, 504]);

worker.addEventListener('install', (event) => event.waitUntil(keepShell()));
worker.addEventListener('activate', (event) => event.waitUntil(dropOlder()));
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const [address = ''] = request.url.split(/[?#]/);
  if (request.method !== 'GET' || !address.startsWith(root)) return;
  const path = address.slice(root.length);
  if (request.mode === 'navigate') {
    if (PAGES.has(path.split('/')[0] ?? '')) event.respondWith(current(request, root));
  } else if (path.startsWith('assets/')) event.respondWith(named(request));
  else if (FILES.includes(address)) event.respondWith(current(request, address));
});

/** All of it or nothing: a full disk and a server that is replaced meanwhile leave the version before. */
async function keepShell(): Promise<void> {
  try {
    const cache = await caches.open(NAME);
    await keep(cache, root);
    // one after another: the page needs the few connections that a browser opens
    for (const file of FILES) await keep(cache, file);
  } catch (error) {
    await caches.delete(NAME);
    throw error;
  }
  await worker.skipWaiting();
}

async function keep(cache: Cache, address: string): Promise<void> {
  const isPage = address === root;
  const response = await fetch(address, {
    cache: address.includes('/assets/') ? 'default' : 'no-cache',
    ...(isPage ? { headers: { accept: 'text/html' } } : {}),
  });
  const isMeant = !isPage || (await response.clone().text()).includes(SHELL.entry);
  if (!response.ok || response.redirected || !isMeant)
    throw new Error(`${response.status} ${address}`);
  await cache.put(address, response);
}

/** The previous version stays: tabs opened with it still load parts of it. */
async function dropOlder(): Promise<void> {
  const older = (await ours()).filter((name) => name !== NAME);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
}

/** Oldest first. */
const ours = async (): Promise<readonly string[]> =>
  (await caches.keys()).filter((name) => name.startsWith(OURS));

/** From the server; what is kept is used only while the server is away. */
async function current(request: Request, address: string): Promise<Response> {
  const asked = fetch(request).catch(() => undefined);
  const answer = await Promise.race([asked, pause(PATIENCE)]);
  if (answer !== undefined && !AWAY.has(answer.status)) return answer;
  return (await kept(address)) ?? answer ?? (await asked) ?? Response.error();
}

/** A script or style; those of the version before too. */
async function named(request: Request): Promise<Response> {
  return (await kept(request.url)) ?? fetch(request);
}

async function kept(address: string): Promise<Response | undefined> {
  for (const name of [NAME, ...(await ours()).toReversed()]) {
    // `open` would make one
    const found = await caches.match(address, { cacheName: name, ignoreVary: true });
    if (found !== undefined) return found;
  }
  return undefined;
}

const pause = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds, undefined));
