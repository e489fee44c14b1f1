import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Play, RotateCw, Square, Zap } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Host } from '../../../src/api/contract/host.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

/** What can be done with a host in its current state. While it is stopped, its queue still fills. */
export function HostControls({
  host: { name, health },
}: {
  readonly host: Pick<Host, 'name' | 'health'>;
}): ReactElement | null {
  const may = useMay();
  const client = useQueryClient();
  const act = useMutation({
    mutationFn: (verb: 'start' | 'stop' | 'restart' | 'retry') =>
      ask(`POST /hosts/{host}/${verb}`, { path: { host: name }, body: {} }),
    onSettled: () => client.invalidateQueries(),
  });
  if (!may('host.control') || health === 'inline') return null;
  return (
    <>
      {act.isError && <Problem error={act.error} />}
      {(health === 'retrying' || health === 'disconnected') && (
        <Button look="primary" disabled={act.isPending} onClick={() => act.mutate('retry')}>
          <Zap size={14} aria-hidden="true" /> {t('Retry now')}
        </Button>
      )}
      {health === 'off' || health === 'stopped' ? (
        <Button look="primary" disabled={act.isPending} onClick={() => act.mutate('start')}>
          <Play size={14} aria-hidden="true" /> {t('Start')}
        </Button>
      ) : (
        <>
          <Button disabled={act.isPending} onClick={() => act.mutate('restart')}>
            <RotateCw size={14} aria-hidden="true" /> {t('Restart')}
          </Button>
          <Button look="danger" disabled={act.isPending} onClick={() => act.mutate('stop')}>
            <Square size={13} aria-hidden="true" /> {t('Stop')}
          </Button>
        </>
      )}
    </>
  );
}
