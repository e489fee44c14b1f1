type Block = Record<string, unknown>;

interface Listening {
  readonly host: string;
  readonly port: number;
  /** The path of a web service: several may share a port. */
  readonly path: string | undefined;
}

function listeningOf(service: Block): Listening | undefined {
  const { listen = '', path = '/*' } = (service['settings'] ?? {}) as {
    readonly listen?: string;
    readonly path?: string;
  };
  const [, host = '', port] = /^(.*):(\d+)$/.exec(listen) ?? [];
  if (port === undefined) return undefined;
  return { host, port: Number(port), path: service['adapter'] === 'http-in' ? path : undefined };
}

/**
 * Services that listen at the same address could never run together. The first keeps it; the others are switched
 * off, and get the next free port for when they are switched on.
 */
export function portsApart(
  services: Readonly<Record<string, Block>>,
  note: (service: string, text: string) => void,
): Record<string, Block> {
  const taken = new Map<string, string>();
  const ports = new Set(Object.values(services).map((one) => listeningOf(one)?.port));
  const made: Record<string, Block> = {};
  for (const [name, service] of Object.entries(services)) {
    const at = listeningOf(service);
    made[name] = service;
    if (at === undefined) continue;
    const whole = String(at.port);
    const place = at.path === undefined ? whole : `${whole}${at.path}`;
    // only web services with different paths share a port
    const anyPath = `any ${whole}`;
    const other = taken.get(place) ?? taken.get(at.path === undefined ? anyPath : whole);
    if (other === undefined) {
      taken.set(place, name);
      if (!taken.has(anyPath)) taken.set(anyPath, name);
      continue;
    }
    let port = at.port;
    while (ports.has(port)) port += 1;
    ports.add(port);
    const settings = { ...(service['settings'] as Block), listen: `${at.host}:${port}` };
    made[name] = { ...service, settings, enabled: false };
    note(
      name,
      `${other} also listens on port ${at.port}: this one is switched off, and has port ${port} until you decide`,
    );
  }
  return made;
}
