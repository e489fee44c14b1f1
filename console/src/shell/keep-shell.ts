import { CONSOLE } from '../api/client.ts';

/** Milliseconds after the page is there: what it asks for comes first. */
const LATER = 3_000;

/**
 * Has the browser keep the shell, so that pages open while the server is away. Without TLS, browsers offer no way to do that
 * (except on the machine itself), nor with a certificate that they do not trust: the console then works without.
 */
export function keepShell(): void {
  if (!import.meta.env.PROD) return;
  const { serviceWorker } = navigator as Partial<Pick<Navigator, 'serviceWorker'>>;
  if (serviceWorker === undefined) return;
  setTimeout(() => {
    void serviceWorker
      .register(new URL('service-worker.js', CONSOLE), { scope: CONSOLE.pathname })
      // not trusted, not permitted, no room, or the server has gone: nothing is lost by it
      .catch(() => undefined);
  }, LATER);
}
