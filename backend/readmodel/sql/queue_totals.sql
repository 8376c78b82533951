SELECT count(*) AS waiting, count(*) FILTER (WHERE held) AS held FROM jobs WHERE state = 'PENDING'
