import { readFileSync } from 'node:fs';
import { isSystemError, tolerate } from '../error/foreseen.ts';

/** The id that Linux gives each start of the machine; undefined elsewhere. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    return tolerate(error, (one) => isSystemError(one), 'reading the boot id');
  }
}
