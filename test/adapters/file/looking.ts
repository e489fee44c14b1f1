import fileIn from '../../../adapters/file/file-in.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';

/** Opens `file-in` on a folder, looking all the time. */
export const looking = (
  folder: string,
  given: Readonly<Record<string, unknown>> = {},
  memory?: string,
): Promise<OpenedInbound> =>
  openInbound(
    fileIn,
    { folder, every: '10ms', stable: '0s', ...given },
    { folder, ...(memory !== undefined && { memory }) },
  );
