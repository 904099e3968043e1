// Runs before the page's own scripts: `window.isWaiting()` says whether the server owes it the end of an event. However
// busy the machine is, a page that is owed nothing has been sent everything that a click triggered.
(() => {
    const ask = window.fetch;
    const begun = new Set(), ended = new Set();
    let asking = 0;
    window.isWaiting = () => asking > 0 || [...begun].some(each => !ended.has(each));

    async function listen(body) {
        const decoder = new TextDecoder();
        let text = "";
        for await (const chunk of body) {
            const lines = (text + decoder.decode(chunk, {stream: true})).split("\n");
            text = lines.pop();
            for (const line of lines.filter(each => each.startsWith("data:"))) {
                const message = JSON.parse(line.slice(5));
                if (message.msg === "process_completed") ended.add(message.event_id);
            }
        }
    }

    // The page closes its stream where nothing is left to come, and the browser cuts it where another page is opened.
    const closed = error => { if (error.name !== "AbortError" && error.message !== "network error") throw error; };

    window.fetch = async (...request) => {
        const address = String(request[0].url ?? request[0]);
        const joins = address.includes("/queue/join");
        asking += joins;
        try {
            const answer = await ask(...request);
            if (joins && answer.ok) begun.add((await answer.clone().json()).event_id);
            if (address.includes("/queue/data")) listen(answer.clone().body).catch(closed);
            return answer;
        } finally {
            asking -= joins;
        }
    };
})();
