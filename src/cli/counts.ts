import type { Definition } from '../definition/definition.ts';

/** `1 service`, `2 processes`. */
export function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${noun.endsWith('s') ? 'es' : 's'}`;
}

/** `1 service, 2 processes, 3 operations`. */
export const hostCounts = ({
  services,
  processes,
  operations,
}: Pick<Definition, 'services' | 'processes' | 'operations'>): string =>
  [
    plural(services.size, 'service'),
    plural(processes.size, 'process'),
    plural(operations.size, 'operation'),
  ].join(', ');
