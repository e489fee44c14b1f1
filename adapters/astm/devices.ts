import { NotConnectedError } from 'waybill/adapter';
import type { AstmLink } from './link.ts';

/** The devices that are connected to the services of this process, by production and service. */
const devices = new Map<string, Set<AstmLink>>();

const keyOf = (production: string, service: string): string => `${production}/${service}`;

/** Registers a connected device until it disconnects. */
export function joined(production: string, service: string, link: AstmLink): void {
  const key = keyOf(production, service);
  const links = devices.get(key) ?? new Set();
  links.add(link);
  devices.set(key, links);
  link.onClose(() => {
    links.delete(link);
    if (links.size === 0 && devices.get(key) === links) devices.delete(key);
  });
}

/** Over whose connection an operation sends. */
export interface Wanted {
  readonly production: string;
  /** The name of the astm-in service. */
  readonly service: string;
  /** The address of the device; undefined if only one is connected. */
  readonly device: string | undefined;
}

/** The link to a connected device; if an address has several connections, the one last heard from. Throws NotConnectedError. */
export function deviceLink({ production, service, device }: Wanted): AstmLink {
  const all = [...(devices.get(keyOf(production, service)) ?? [])].filter(({ usable }) => usable);
  const fitting = all.filter(({ sender }) => device === undefined || sender.address === device);
  const [first] = fitting.toSorted((a, b) => b.heardAt - a.heardAt);
  if (first === undefined) {
    const what = device === undefined ? 'No device is' : `${device} is not`;
    throw new NotConnectedError(
      `${what} connected to ${service} on this engine. Switch the device on and check its address; also check that the service runs on this engine.`,
    );
  }
  if (new Set(fitting.map(({ sender }) => sender.address)).size > 1) {
    throw new NotConnectedError(
      `Several devices are connected to ${service}. Set device to the address of the right one.`,
    );
  }
  return first;
}
