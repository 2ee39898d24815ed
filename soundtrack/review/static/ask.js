// A request to the server of the page. The browser says "Failed to fetch" where none answers.

export async function ask(path, how) {
  try {
    return await fetch(path, how);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    const error = "no answer: the command that serves this page has ended";
    const hint = "start it again and open its new address; what was saved is kept";
    throw Object.assign(new Error(`${error}; ${hint}`), { error, hint });
  }
}
