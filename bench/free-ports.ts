import { freePort } from '../sandbox/free-port.ts';

/** Distinct ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}
