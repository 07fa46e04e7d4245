-- One decision over all its keys, or what became of an attempt. The sums are those of limiter_rules.c, in whole
-- microseconds; numbers here are doubles, and all of them stay far below 2^53.
--
-- KEYS   the keys
-- ARGV   1: take, succeeded, withdrawn or forgotten; 2: the time, 0: Redis' own clock; then of each key one text of
--        numbers: rate (1 or 0), success clears (1 or 0), interval, burst, cost, free, delay, delay max, decay,
--        consecutive max, forget; then what the asker has counted alone: tat, failures, consecutive, last at,
--        drained at, and of how many attempts; all 0: nothing
-- Answer {now, then of each key: allowed, at ceiling, wait, remaining, reset, tat, failures, consecutive, last at,
--        drained at}
--
-- A key holds "tat" or "failures consecutive last_at drained_at", and expires when it is as new. Redis 5 and later
-- replicate what a script wrote, not the script, so asking for the time is no hindrance.

local op = ARGV[1]
local now = tonumber(ARGV[2])
if now == 0 then
	local time = redis.call('TIME')
	now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local DOUBLINGS_MAX = 30

local function numbers_of(text)
	local numbers = {}
	for word in string.gmatch(text, '%S+') do
		numbers[#numbers + 1] = tonumber(word)
	end
	return numbers
end

local function text_of(...)
	local words = {}
	for i, number in ipairs({ ... }) do
		words[i] = string.format('%.0f', number)
	end
	return table.concat(words, ' ')
end

local function read(key, text)
	local n = numbers_of(text)
	local k = {
		key = key, is_rate = n[1] == 1, success_clears = n[2] == 1, interval = n[3], burst = n[4], cost = n[5],
		free = n[6], delay = n[7], delay_max = n[8], decay = n[9], consecutive_max = n[10], forget = n[11],
		tat = n[12], failures = n[13], consecutive = n[14], last_at = n[15], drained_at = n[16],
		untold = n[17], allowed = 0, ceiling = 0, wait = 0, remaining = 0, reset = 0,
	}
	local kept = numbers_of(redis.call('GET', key) or '')
	if k.is_rate then
		k.tat = math.max(k.tat, kept[1] or 0)
	else
		k.failures = math.max(k.failures, (kept[1] or 0) + k.untold)
		k.consecutive = math.max(k.consecutive, (kept[2] or 0) + k.untold)
		k.last_at = math.max(k.last_at, kept[3] or 0)
		k.drained_at = math.max(k.drained_at, kept[4] or 0)
	end
	return k
end

local function clear(k)
	k.tat, k.failures, k.consecutive, k.last_at, k.drained_at = 0, 0, 0, 0, 0
end

-- What is over is not kept, nor what is as new.
local function write(k)
	local text, left
	if k.is_rate then
		text, left = text_of(k.tat), k.tat - now
	else
		text, left = text_of(k.failures, k.consecutive, k.last_at, k.drained_at), k.last_at + k.forget - now
	end
	if left <= 0 or (not k.is_rate and k.consecutive == 0) then
		redis.call('DEL', k.key)
	else
		redis.call('SET', k.key, text, 'PX', string.format('%.0f', math.ceil(left / 1000)))
	end
end

local function rate_left(k)
	k.remaining = math.floor((k.burst - (k.tat - now)) / k.interval)
	k.reset = k.tat - now
end

local function rate_judge(k)
	k.tat = math.min(math.max(k.tat, now), now + k.burst)
	k.wait = math.max(k.tat + k.cost - k.burst - now, 0)
	rate_left(k)
end

local function delay_of(k)
	local delay = k.delay
	if k.failures == 0 or k.failures < k.free then
		return 0
	end
	for _ = k.free, k.failures - 1 do
		if delay >= k.delay_max then
			break
		end
		delay = delay * 2
	end
	return math.min(delay, k.delay_max)
end

local function failures_judge(k)
	k.last_at = math.min(k.last_at, now)
	k.drained_at = math.min(k.drained_at, now)
	if now - k.last_at >= k.forget then
		k.failures, k.consecutive, k.last_at, k.drained_at = 0, 0, now, now
	end
	local drained = k.decay > 0 and math.floor((now - k.drained_at) / k.decay) or 0
	if drained >= k.failures then
		k.failures, k.drained_at = 0, now
	else
		k.failures, k.drained_at = k.failures - drained, k.drained_at + drained * k.decay
	end
	k.ceiling = k.consecutive_max > 0 and k.consecutive >= k.consecutive_max and 1 or 0
	k.wait = math.max(k.last_at + (k.ceiling == 1 and k.forget or delay_of(k)) - now, 0)
end

local function count(k)
	if k.is_rate then
		k.tat = k.tat + k.cost
		rate_left(k)
	else
		k.failures = math.min(k.failures + 1, k.free + DOUBLINGS_MAX)
		k.consecutive = k.consecutive + 1
		k.last_at = now
	end
end

local function settle(k)
	if op == 'forgotten' or (op == 'succeeded' and k.success_clears) then
		clear(k)
	elseif not k.is_rate then
		k.failures = math.max(k.failures - 1, 0)
		k.consecutive = math.max(k.consecutive - 1, 0)
		if k.consecutive == 0 then
			clear(k)
		end
	end
	write(k)
end

local keys, is_allowed = {}, true
for i, key in ipairs(KEYS) do
	keys[i] = read(key, ARGV[2 + i])
end
for _, k in ipairs(keys) do
	if op ~= 'take' then
		settle(k)
	else
		if k.is_rate then
			rate_judge(k)
		else
			failures_judge(k)
		end
		k.allowed = k.wait == 0 and 1 or 0
		is_allowed = is_allowed and k.allowed == 1
	end
end
for _, k in ipairs(keys) do
	if op == 'take' and is_allowed then
		count(k)
		write(k)
	elseif op == 'take' and k.untold > 0 then
		write(k)
	end
end

local answer = { now }
for _, k in ipairs(keys) do
	for _, number in ipairs({ k.allowed, k.ceiling, k.wait, k.remaining, k.reset, k.tat, k.failures, k.consecutive,
		k.last_at, k.drained_at }) do
		answer[#answer + 1] = number
	end
end
return answer
