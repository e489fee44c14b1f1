import type { SettingsFault } from '../adapter/adapter.ts';
import { DisableError } from '../error/adapter-error.ts';

/** The faults that make serving impossible, as the error that prevents a host from opening. */
export function disabledBy(faults: readonly SettingsFault[]): DisableError | undefined {
  const [first, ...more] = faults.filter(({ severity }) => severity !== 'warning');
  if (first === undefined) return undefined;
  const { path, place, what, remedy } = first;
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column} `;
  const others = more.length === 0 ? '' : ` ${more.length} more faults: run waybill check.`;
  return new DisableError(`${path.join('.')}: ${where}${what}. ${remedy}${others}`);
}
