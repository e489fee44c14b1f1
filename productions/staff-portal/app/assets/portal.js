const part = (id) => document.getElementById(id);
let refreshing;

const post = (path) =>
  fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });

/** One refresh for all who need it; the browser adds the cookies. */
function refresh() {
  refreshing ??= post('/auth/refresh').finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

/** The answer to a call; undefined if nobody is signed in. */
async function called(path) {
  let answer = await fetch(path);
  if (answer.status === 401 && (await refresh()).ok) answer = await fetch(path);
  if (answer.status === 401) return undefined;
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

async function show() {
  const me = await called('/auth/me');
  if (me === undefined) {
    // back to this very page afterwards
    part('sign-in').href = `/auth/login?back=${encodeURIComponent(location.pathname)}`;
    part('signed-out').hidden = false;
    return;
  }
  part('who').textContent = `${me.user}, ward ${me.claims.ward}`;
  part('ward').hidden = false;
  const { rows } = await called('/api/patients');
  part('patients').replaceChildren(
    ...rows.map(({ name }) => Object.assign(document.createElement('li'), { textContent: name })),
  );
}

async function signOut() {
  const answer = await post('/auth/logout');
  // with the address of the provider, to sign out there too
  location.href = answer.status === 200 ? (await answer.json()).redirect : '/';
}

const tell = (error) => {
  part('told').textContent = error.message;
};

part('sign-out').addEventListener('click', () => {
  signOut().catch(tell);
});

show().catch(tell);
