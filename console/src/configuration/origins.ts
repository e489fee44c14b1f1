import type { History } from '../../../src/api/contract/files.ts';
import { t } from '../language/translate.ts';

/** How a version came to be applied. */
export const ORIGINS = {
  start: t('read at a start'),
  apply: t('applied'),
  watch: t('applied when saved'),
  edit: t('changed in the console'),
  'roll-back': t('rolled back'),
  'set-aside': t('lay on disk, never ran'),
} as const satisfies Record<History['versions'][number]['origin'], string>;
