import type { ReactElement } from 'react';
import { ApiProblem } from '../api/client.ts';
import { Problem, Waiting } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** In place of a message or session: that it is awaited, or why there is none. */
export function NoMessage({ why }: { readonly why: unknown }): ReactElement {
  if (why === null) return <Waiting />;
  return (
    <>
      <Problem error={why} />
      {why instanceof ApiProblem && why.code === 'NOT_FOUND' && (
        <p className="mt-2 text-ink-2">
          {t(
            'It may have been removed: settled messages stay for as long as the production says under keep.',
          )}
        </p>
      )}
    </>
  );
}
