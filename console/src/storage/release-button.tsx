import { useQueryClient } from '@tanstack/react-query';
import type { ComponentProps, ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { storage } from '../api/queries.ts';
import type { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { t } from '../language/translate.ts';

/** Lets a session that somebody holds go when its time is over, which may be with the next purge. */
export function ReleaseButton({
  session,
  ...button
}: ComponentProps<typeof Button> & { readonly session: number }): ReactElement {
  const client = useQueryClient();
  return (
    <ConfirmedButton
      {...button}
      asks={{
        title: t('Release session {id}', { id: `${session}` }),
        children: t(
          'Nobody keeps it then: if it is past its time, the next purge removes it with its bodies.',
        ),
        act: t('Release it ## a session'),
        order: () => ask('DELETE /storage/holds/{id}', { path: { id: session } }),
        onDone: () => void client.invalidateQueries({ queryKey: storage.queryKey }),
      }}
    />
  );
}
