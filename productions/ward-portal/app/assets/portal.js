const part = (id) => document.getElementById(id);
let access;
let refreshing;

async function asked(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const told = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

/** One refresh for all who need it; the browser adds the refresh token. */
function refresh() {
  refreshing ??= renewed().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function renewed() {
  const told = await asked('/auth/refresh', {});
  access = told.accessToken;
}

const askForPatients = () =>
  fetch('/api/patients', { headers: { authorization: `Bearer ${access}` } });

async function patients() {
  let answer = await askForPatients();
  if (answer.status === 401) {
    await refresh();
    answer = await askForPatients();
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told.rows;
}

async function show() {
  const rows = await patients();
  part('patients').replaceChildren(
    ...rows.map(({ name }) => Object.assign(document.createElement('li'), { textContent: name })),
  );
  part('sign-in').hidden = true;
  part('ward').hidden = false;
}

async function tried(work) {
  part('told').textContent = '';
  try {
    await work();
  } catch (error) {
    part('told').textContent = error.message;
  }
}

part('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  const { user, password } = Object.fromEntries(new FormData(event.target));
  void tried(async () => {
    const told = await asked('/auth/login', { user, password });
    access = told.accessToken;
    part('who').textContent = `${told.user}, ward ${told.claims.ward}`;
    event.target.reset();
    await show();
  });
});

part('sign-out').addEventListener('click', () => {
  void tried(async () => {
    await asked('/auth/logout', {});
    access = undefined;
    part('ward').hidden = true;
    part('sign-in').hidden = false;
  });
});
