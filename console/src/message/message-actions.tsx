import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Ban, Diff, FlaskConical, Pencil, RefreshCcw, Repeat2, Trash2 } from 'lucide-react';
import { type ReactElement, Suspense, useState } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { lazyPart } from '../api/part.ts';
import { hosts as hostsQuery } from '../api/queries.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { t } from '../language/translate.ts';
import { useHotKeys } from '../shell/hot-keys.ts';
import { useMay } from '../shell/me.ts';

const ResendDialog = lazyPart(() => import('../resend/resend-dialog.tsx'), 'ResendDialog');
const ReprocessDialog = lazyPart(() => import('../resend/reprocess-dialog.tsx'), 'ReprocessDialog');
const DiscardDialog = lazyPart(() => import('../resend/discard-dialog.tsx'), 'DiscardDialog');

type Act = 'resend' | 'reprocess' | 'edit' | 'discard';

/** What can be done with one message, by button or by key. */
export function MessageActions({ message }: { readonly message: Message }): ReactElement {
  const may = useMay();
  const [act, setAct] = useState<Act | undefined>(undefined);
  const { id, hasBody, status, parentId, resendOf } = message;
  const canResend = may('message.resend') && hasBody;
  const canEdit = may('message.edit_resend') && hasBody;
  const canDiscard = may('deadletter.discard') && status === 'suspended';
  const canAbort = may('queue.abort') && (status === 'queued' || status === 'retrying');
  useHotKeys({
    ...(canResend ? { r: () => setAct('resend') } : {}),
    ...(canEdit ? { e: () => setAct('edit') } : {}),
  });
  const before = parentId ?? resendOf;
  return (
    <>
      {before !== undefined && hasBody && (
        <Link
          to="/messages/$id/diff"
          params={{ id }}
          search={{ against: `${before}` }}
          className={buttonStyle()}
        >
          <Diff size={14} aria-hidden="true" /> {t('Diff')}
        </Link>
      )}
      <TryFiles message={message} />
      {canResend && (
        <Button onClick={() => setAct('resend')}>
          <Repeat2 size={14} aria-hidden="true" /> {t('Resend')}
        </Button>
      )}
      {canResend && (
        <Button
          onClick={() => setAct('reprocess')}
          title={t("From the original, with today's rules, for targets you choose")}
        >
          <RefreshCcw size={14} aria-hidden="true" /> {t('Process again')}
        </Button>
      )}
      {canEdit && (
        <Button onClick={() => setAct('edit')}>
          <Pencil size={14} aria-hidden="true" /> {t('Edit and resend')}
        </Button>
      )}
      {canDiscard && (
        <Button look="danger" onClick={() => setAct('discard')}>
          <Trash2 size={14} aria-hidden="true" /> {t('Discard')}
        </Button>
      )}
      {canAbort && (
        <Button look="danger" onClick={() => setAct('discard')}>
          <Ban size={14} aria-hidden="true" /> {t('Abort')}
        </Button>
      )}
      <ActDialog act={act} message={message} onClose={() => setAct(undefined)} />
    </>
  );
}

/** The question before the act. */
function ActDialog({
  act,
  message,
  onClose,
}: {
  readonly act: Act | undefined;
  readonly message: Message;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Suspense>
      {(act === 'resend' || act === 'edit') && (
        <ResendDialog message={message} edit={act === 'edit'} onClose={onClose} />
      )}
      {act === 'reprocess' && <ReprocessDialog message={message} onClose={onClose} />}
      {act === 'discard' && <DiscardDialog message={message} onClose={onClose} />}
    </Suspense>
  );
}

/** The link to what the files on disk would do with a message that a service accepted. */
function TryFiles({
  message: { id, source, parentId, resendOf, hasBody },
}: {
  readonly message: Message;
}): ReactElement | null {
  const may = useMay();
  const { data } = useQuery(hostsQuery);
  const isTaken = data?.hosts.some(({ name, kind }) => name === source && kind === 'service');
  // its place is kept until the hosts are known: otherwise the page would move under the pointer
  // when it appears
  const isLikely = parentId === undefined && resendOf === undefined;
  if (!(isTaken ?? isLikely) || !hasBody || !may('config.view') || !may('message.content'))
    return null;
  return (
    <Link
      to="/messages/$id/rehearsal"
      params={{ id }}
      className={`${buttonStyle()} ${isTaken === undefined ? 'invisible' : ''}`}
      title={t('What the files on disk would do with this message; nothing is sent')}
    >
      <FlaskConical size={14} aria-hidden="true" /> {t('Try the files')}
    </Link>
  );
}
