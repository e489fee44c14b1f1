import type { SettingsFault } from 'waybill/adapter';
import { portsOf, type WsdlPort } from './wsdl.ts';
import { placeIn, readWsdlFiles, type TellWsdl, type WsdlFile } from './wsdl-file.ts';

/** A WSDL file, and the port of it that a host uses. */
export interface ReadPort {
  readonly port: WsdlPort;
  readonly files: readonly WsdlFile[];
}

interface Wanted {
  readonly wsdl: string;
  /** The name of the port, if there are several. */
  readonly port: string | undefined;
}

/** Reads the port that the settings name. Problems are added to `faults`; undefined if there is no such port. */
export async function readPort(
  { wsdl, port: wanted }: Wanted,
  faults: SettingsFault[],
): Promise<ReadPort | undefined> {
  const tell: TellWsdl = (file, what, remedy, at) =>
    faults.push({
      path: ['wsdl'],
      place: {
        file,
        ...(at === undefined ? { line: 1, column: 1 } : placeIn(at.source, at.element)),
      },
      what,
      remedy,
      ...(at?.warning === true && { severity: 'warning' as const }),
    });
  const files = await readWsdlFiles(wsdl, tell);
  const ports = portsOf(files, tell);
  const named = wanted === undefined ? ports : ports.filter(({ name }) => name === wanted);
  const [port, ...others] = named;
  if (files.length === 0) return undefined;
  const names = ports.map(({ name, version }) => `${name} (SOAP ${version})`).join(', ');
  if (port === undefined) {
    faults.push({
      path: wanted === undefined ? ['wsdl'] : ['port'],
      what:
        wanted === undefined
          ? 'it has no port with SOAP over HTTP'
          : `the WSDL has no port ${wanted}`,
      remedy: names === '' ? 'Name a WSDL 1.1 with a service.' : `It has ${names}.`,
    });
    return undefined;
  }
  if (wanted === undefined && others.length > 0) {
    faults.push({
      path: ['port'],
      what: 'is needed, since the WSDL has several ports',
      remedy: `It has ${names}.`,
    });
    return undefined;
  }
  return { port, files };
}
