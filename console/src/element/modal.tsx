import { useRouter } from '@tanstack/react-router';
import { X } from 'lucide-react';
import {
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from 'react';
import { t } from '../language/translate.ts';
import { Button } from './button.tsx';

interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** What is typed in it is not worth a question. */
  readonly fleeting?: boolean;
  /** What is below, such as the buttons. */
  readonly footer?: ReactNode;
}

/**
 * A native dialog: it traps the focus, returns it, and closes with Esc, with a click beside it and with the browser's
 * Back. If something was typed in it, these ask first: they are pressed by mistake.
 */
export function Modal({
  title,
  onClose,
  children,
  wide = false,
  fleeting = false,
  footer,
}: ModalProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const typed = useRef(false);
  const [asked, setAsked] = useState(false);
  const leave = (): void => {
    if (typed.current && !fleeting) setAsked(true);
    else onClose();
  };
  useBack(dialog, { typed, leave });
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // the browser would choose the close button, since it comes first
    current?.querySelector<HTMLElement>(`${TYPED}, select`)?.focus();
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={onClose}
      onCancel={(event) => {
        // of a file that is chosen in it, too
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        leave();
      }}
      onInput={({ target }) => {
        typed.current ||= isText(target) && !isPassword(target);
      }}
      onReset={() => {
        // it was kept
        typed.current = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return onEnter(event);
        // here and not by `cancel`, which browsers leave out the second time
        event.preventDefault();
        event.stopPropagation();
        leave();
      }}
      onMouseDown={({ target, currentTarget }) => {
        if (target === currentTarget) leave();
      }}
      className={`max-h-[90dvh] w-full overflow-hidden rounded-xl border border-line bg-raised shadow-float max-sm:max-w-[calc(100vw-16px)] ${wide ? 'max-w-4xl' : 'max-w-lg'}`}
    >
      <div className="flex max-h-[90dvh] flex-col">
        <div className="flex items-center gap-2 border-b border-line px-4 py-2.5">
          <h2 className="text-[15px]">{title}</h2>
          <button
            type="button"
            onClick={leave}
            aria-label={t('Close')}
            className="ml-auto inline-flex size-7 items-center justify-center rounded-md text-ink-2 hover:bg-hover"
          >
            <X size={16} aria-hidden="true" />
          </button>
        </div>
        <div className="min-h-0 overflow-auto p-4">{children}</div>
        {asked && <Asked onStay={() => setAsked(false)} onLeave={onClose} />}
        {footer !== undefined && (
          <div
            data-footer
            className="flex flex-wrap items-center justify-end gap-2 border-t border-line bg-sunken px-4 py-2.5"
          >
            {footer}
          </div>
        )}
      </div>
    </dialog>
  );
}

/** Asks before what was typed is lost. */
function Asked({
  onStay,
  onLeave,
}: {
  readonly onStay: () => void;
  readonly onLeave: () => void;
}): ReactElement {
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-2 border-t border-line bg-warn-soft px-4 py-2.5 text-warn"
    >
      <span className="mr-auto">{t('What you have typed here would be lost.')}</span>
      <Button autoFocus onClick={onStay}>
        {t('Stay')}
      </Button>
      <Button look="danger" onClick={onLeave}>
        {t('Throw it away')}
      </Button>
    </div>
  );
}

/** Fields in which one types. */
const TYPED = 'textarea, input:not([type=checkbox], [type=radio], [type=file])';

const isText = (target: EventTarget): boolean =>
  target instanceof HTMLElement && target.matches(TYPED);

/** Typed again in no time, so not worth a question. */
const isPassword = (target: EventTarget): boolean =>
  target instanceof HTMLInputElement && target.type === 'password';

/** Enter in a field is its form's, or else what the last button says. */
function onEnter(event: KeyboardEvent): void {
  const { key, target, currentTarget, defaultPrevented, nativeEvent } = event;
  // Enter may also end the composing of a character
  if (key !== 'Enter' || nativeEvent.isComposing || defaultPrevented || !isText(target)) return;
  const field = target as HTMLInputElement | HTMLTextAreaElement;
  if (field.form !== null || field instanceof HTMLTextAreaElement) return;
  currentTarget.querySelector<HTMLButtonElement>('[data-footer] button:last-of-type')?.click();
}

/**
 * Back and Forward close the dialog and leave the page: another page below it would be another message, or another
 * version, for what is typed and ordered in it.
 */
function useBack(
  dialog: RefObject<HTMLDialogElement | null>,
  { typed, leave }: { readonly typed: RefObject<boolean>; readonly leave: () => void },
): void {
  const { history } = useRouter();
  const close = useRef(leave);
  useEffect(() => {
    close.current = leave;
  });
  useEffect(
    () =>
      history.block({
        // the browser asks before it loads the page anew or closes the tab
        enableBeforeUnload: () => typed.current,
        blockerFn: ({ action }) => {
          if (action === 'PUSH' || action === 'REPLACE') return false;
          if (isOnTop(dialog.current)) close.current();
          return true;
        },
      }),
    [history, dialog, typed],
  );
}

/** Whether nothing lies over it, such as the sign-in. */
function isOnTop(dialog: HTMLDialogElement | null): boolean {
  if (dialog === null) return false;
  const { left, top, width, height } = dialog.getBoundingClientRect();
  return dialog.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}
